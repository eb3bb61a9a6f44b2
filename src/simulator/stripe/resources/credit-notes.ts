import type Stripe from "stripe";
import { createCreditNote, previewCreditNote, voidCreditNote } from "../billing/credit-notes";
import { mergeMetadata } from "../changes";
import { equals, listPage } from "../lists";
import { route } from "../routes";

const CREATE =
  "invoice amount lines.type lines.invoice_line_item lines.amount lines.quantity refund_amount credit_amount " +
  "out_of_band_amount refunds.refund refunds.amount_refunded reason memo metadata";

export const creditNoteRoutes = [
  route<Stripe.CreditNoteCreateParams>("POST", "/credit_notes", CREATE, (params, { world }) =>
    createCreditNote(world, params),
  ),
  route<Stripe.CreditNotePreviewParams>("GET", "/credit_notes/preview", CREATE, (params, { world }) =>
    previewCreditNote(world, params),
  ),
  route("GET", "/credit_notes/{}", "", (_, { world, ids }) => world.get("credit_note", ids[0]!)),
  route<Stripe.CreditNoteUpdateParams>(
    "POST",
    "/credit_notes/{}",
    "memo metadata",
    (params, { world, ids }) =>
      world.change(world.get("credit_note", ids[0]!), "credit_note.updated", (note) => {
        note.metadata = mergeMetadata(note.metadata ?? {}, params.metadata);
        if (params.memo !== undefined) note.memo = params.memo || null;
      }),
  ),
  route("POST", "/credit_notes/{}/void", "", (_, { world, ids }) =>
    voidCreditNote(world, world.get("credit_note", ids[0]!)),
  ),
  route<Stripe.CreditNoteListParams>(
    "GET",
    "/credit_notes",
    "customer invoice created limit starting_after ending_before",
    (params, { world, path }) =>
      listPage(
        path,
        world.store.all("credit_note"),
        params,
        equals<Stripe.CreditNote>(params, "customer", "invoice"),
      ),
  ),
];
