import Stripe from "stripe";
import type { TenantCtx } from "../context";
import type { addOnInvoices } from "../invoices/tables";
import { isKeySpent } from "../stripe/stripe-client";

type AddOnRow = typeof addOnInvoices.$inferSelect;

/** A wish that failed inside Stripe needs another key, since the old one answers with the failure for a day. */
const MAX_KEYS = 3;
/** Clocks differ. */
const EARLIER_S = 600;

/**
 * The invoice of a row, made, filled and final, and charged if the row wants that: whatever of it is there already is
 * gone on with. Call it with the turn. @throws StripeError
 */
export async function makeAddOn(ctx: TenantCtx, row: AddOnRow, customer: string): Promise<Stripe.Invoice> {
  const known = await knownInvoice(ctx, row, customer);
  const draft = known ?? (await keyed(`add-on:${row.id}`, (key) => create(ctx, row, customer, key)));
  if (draft.status !== "draft") return draft;
  await fill(ctx, row, customer, draft.id);
  const final = await ctx.stripe.invoices.finalizeInvoice(draft.id, { auto_advance: false });
  return row.dueInDays === null && final.status === "open" ? charge(ctx, final) : final;
}

/** Stripe's own list is asked first: it knows a wish for ever, and an answer that got lost. */
async function knownInvoice(ctx: TenantCtx, row: AddOnRow, customer: string): Promise<Stripe.Invoice | null> {
  const gte = Math.floor(row.createdAt.getTime() / 1_000) - EARLIER_S;
  for await (const invoice of ctx.stripe.invoices.list({ customer, created: { gte }, limit: 100 }))
    if (invoice.metadata?.addOnId === row.id) return invoice;
  return null;
}

function create(ctx: TenantCtx, row: AddOnRow, customer: string, idempotencyKey: string) {
  const collection =
    row.dueInDays === null
      ? { collection_method: "charge_automatically" as const }
      : { collection_method: "send_invoice" as const, days_until_due: row.dueInDays };
  return ctx.stripe.invoices.create(
    {
      customer,
      currency: row.currency,
      ...collection,
      auto_advance: false,
      pending_invoice_items_behavior: "exclude",
      metadata: { tenantId: ctx.tenant.id, addOnId: row.id },
    },
    { idempotencyKey },
  );
}

/** Adds the lines that are not there yet. */
async function fill(ctx: TenantCtx, row: AddOnRow, customer: string, invoice: string): Promise<void> {
  const items = await ctx.stripe.invoiceItems.list({ invoice, limit: 100 });
  const there = new Set(items.data.map(({ metadata }) => metadata?.line));
  for (const [at, { name, amountMinor, quantity }] of row.lines.entries()) {
    if (there.has(String(at))) continue;
    await keyed(`add-on:${row.id}:${at}`, (idempotencyKey) =>
      ctx.stripe.invoiceItems.create(
        {
          customer,
          invoice,
          currency: row.currency,
          amount: amountMinor * quantity,
          description: quantity === 1 ? name : `${quantity} × ${name}`,
          metadata: { line: String(at) },
        },
        { idempotencyKey },
      ),
    );
  }
}

/** A card that refuses, or none at all, leaves the invoice open for its page. */
async function charge(ctx: TenantCtx, invoice: Stripe.Invoice): Promise<Stripe.Invoice> {
  try {
    return await ctx.stripe.invoices.pay(invoice.id);
  } catch (error) {
    const isCards = error instanceof Stripe.errors.StripeCardError;
    if (!isCards && !(error instanceof Stripe.errors.StripeInvalidRequestError)) throw error;
    return ctx.stripe.invoices.retrieve(invoice.id);
  }
}

/** Of an invoice that Stripe refuses nothing may stay: lines of a draft would come with the next invoice. */
export async function dropDraft(ctx: TenantCtx, row: AddOnRow, customer: string): Promise<void> {
  const draft = await knownInvoice(ctx, row, customer);
  if (draft?.status !== "draft") return;
  const items = await ctx.stripe.invoiceItems.list({ invoice: draft.id, limit: 100 });
  for (const { id } of items.data) await ctx.stripe.invoiceItems.del(id);
  await ctx.stripe.invoices.del(draft.id);
}

async function keyed<T>(name: string, ask: (key: string) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask(`${name}:${attempt}`);
    } catch (error) {
      if (!isKeySpent(error) || attempt >= MAX_KEYS) throw error;
    }
  }
}
