import { and, eq, isNotNull, or } from "drizzle-orm";
import Stripe from "stripe";
import { newId } from "@/lib/ids";
import { logError } from "@/lib/log";
import { actorName, type TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { audit } from "../events/service";
import { noteInvoice } from "../invoices/note-invoice";
import { addOnInvoices } from "../invoices/tables";
import { parseInput } from "../parse";
import { canonicalJson } from "../plans/rules";
import { ensureCustomer } from "../stripe/customer";
import { asProviderError, isMissingAtStripe } from "../stripe/stripe-client";
import { inTurn } from "../stripe/turn";
import { syncCustomer } from "../sync/sync";
import { dropDraft, makeAddOn } from "./add-on-at-stripe";
import { type AddOnInvoiceInput, addOnInvoiceInput, type VoidInvoiceInput, voidInvoiceInput } from "./inputs";

export type AddOnRow = typeof addOnInvoices.$inferSelect;

export interface AddOnInvoice {
  /** in_… */
  invoiceId: string;
  /** Stripe's word: `open` until it is paid. */
  status: string;
  /** Minor units of the price list's currency, with tax. */
  totalMinor: number;
  /** null: the card was charged. */
  dueAt: Date | null;
}

/**
 * Bills something beside the plan, by the operator: the workspace sees the invoice with a link to pay and is told of it.
 * With `dueInDays: null` the card on file is charged at once; when that fails the invoice is open, to be paid by hand.
 * Once per key: the row is written first, and what a crash left undone the next call does, or the next walk of
 * reconciliation.
 * @throws AppError INVALID_INPUT, CONFLICT when Stripe refuses it for good, IDEMPOTENCY_CONFLICT for a key that billed
 * something else, PAYMENT_PROVIDER, BUSY
 */
export async function billAddOn(ctx: TenantCtx, input: AddOnInvoiceInput): Promise<AddOnInvoice> {
  if (ctx.tx) throw new Error("billAddOn waits for Stripe: call it outside transactions.");
  const wish = parseInput(addOnInvoiceInput, input);
  const row = (await rowOf(ctx, wish.key)) ?? (await ask(ctx, wish));
  const isSame = row.dueInDays === wish.dueInDays && canonicalJson(row.lines) === canonicalJson(wish.lines);
  if (!isSame) throw new AppError("IDEMPOTENCY_CONFLICT", "This key has billed something else.");
  await carryOut(ctx, row);
  const done = await rowOf(ctx, wish.key);
  if (!done?.invoiceId) throw new AppError("BUSY", "Please try again in a moment.");
  const { invoiceId, status, totalMinor, dueAt } = done;
  return { invoiceId, status, totalMinor: Number(totalMinor ?? 0n), dueAt };
}

/**
 * Takes back an invoice beside the plan that nobody has paid. Told twice, it changes nothing more.
 * @throws AppError NOT_FOUND for any other invoice, CONFLICT once it is paid, PAYMENT_PROVIDER, BUSY
 */
export async function voidAddOn(ctx: TenantCtx, input: VoidInvoiceInput): Promise<{ status: string }> {
  if (ctx.tx) throw new Error("voidAddOn waits for Stripe: call it outside transactions.");
  const { invoiceId, reason, key } = parseInput(voidInvoiceInput, input);
  const known = and(eq(addOnInvoices.tenantId, ctx.tenant.id), eq(addOnInvoices.invoiceId, invoiceId));
  const row = await inTenant(ctx, async (tx, inner) => {
    const [found] = await tx.select().from(addOnInvoices).where(known).for("no key update");
    if (!found || found.voidAskedAt || found.status === "paid") return found;
    await tx.update(addOnInvoices).set({ voidAskedAt: ctx.now() }).where(known);
    await audit(inner, { action: "invoice.void_requested", subject: invoiceId, details: { reason, key } });
    return { ...found, voidAskedAt: ctx.now() };
  });
  if (!row) throw new AppError("NOT_FOUND", "There is no such invoice beside the plan.");
  await carryOut(ctx, row);
  const after = await rowOf(ctx, row.key);
  if (after?.status === "paid")
    throw new AppError("CONFLICT", "The invoice is paid.", { hint: "Credit it instead." });
  return { status: after?.status ?? row.status };
}

/** Gets done what a crash left undone. @throws AppError PAYMENT_PROVIDER, BUSY */
export async function resumeAddOns(ctx: TenantCtx): Promise<void> {
  for (const row of await unfinishedAddOns(ctx)) {
    try {
      await carryOut(ctx, row);
    } catch (error) {
      // Refused for good: the row says so.
      if (!(error instanceof AppError) || error.code !== "CONFLICT") throw error;
    }
  }
}

/** Those that are not final at Stripe yet, or not void although they are meant to be. */
export function unfinishedAddOns(ctx: TenantCtx): Promise<AddOnRow[]> {
  const { tenantId, status, voidAskedAt } = addOnInvoices;
  const isHalfVoid = and(isNotNull(voidAskedAt), or(eq(status, "open"), eq(status, "uncollectible")));
  return inTenant(ctx, (tx) =>
    tx
      .select()
      .from(addOnInvoices)
      .where(and(eq(tenantId, ctx.tenant.id), or(eq(status, "asked"), isHalfVoid))),
  );
}

async function rowOf(ctx: TenantCtx, key: string): Promise<AddOnRow | null> {
  const is = and(eq(addOnInvoices.tenantId, ctx.tenant.id), eq(addOnInvoices.key, key));
  const [row] = await inTenant(ctx, (tx) => tx.select().from(addOnInvoices).where(is));
  return row ?? null;
}

/** The row and who wished for it, before Stripe is asked. Of two at once with one key the first one's holds. */
async function ask(ctx: TenantCtx, wish: ReturnType<typeof addOnInvoiceInput.parse>): Promise<AddOnRow> {
  const { key, reason, lines, dueInDays } = wish;
  const createdAt = ctx.now();
  const row = {
    tenantId: ctx.tenant.id,
    id: newId("addOnInvoice", createdAt),
    key,
    status: "asked" as const,
    lines,
    currency: ctx.prices.currency,
    dueInDays,
    createdBy: actorName(ctx.actor),
    createdAt,
  };
  await inTenant(ctx, async (tx, inner) => {
    const written = await tx.insert(addOnInvoices).values(row).onConflictDoNothing().returning();
    const details = { lines, currency: row.currency, dueInDays, reason, key };
    if (written.length > 0) await audit(inner, { action: "invoice.requested", subject: row.id, details });
  });
  const kept = await rowOf(ctx, key);
  if (!kept) throw new AppError("BUSY", "Please try again in a moment.");
  return kept;
}

/** Brings the invoice to where the row wants it; the sync then copies it, and tells who has to pay. */
async function carryOut(ctx: TenantCtx, row: AddOnRow): Promise<void> {
  if (row.status === "failed") throw refused(row.failedReason);
  const customer = await ensureCustomer(ctx);
  try {
    await inTurn(ctx, async () => {
      if (row.status === "asked") await keep(ctx, row, await makeAddOn(ctx, row, customer));
      if (row.voidAskedAt) await voidAt(ctx, row);
    });
  } catch (error) {
    if (!isRefusal(error)) throw asProviderError(error);
    const failedReason = error.code ?? error.message;
    await dropDraft(ctx, row, customer);
    await update(ctx, row, { status: "failed", failedReason, finishedAt: ctx.now() });
    throw refused(failedReason);
  }
  await follow(ctx, row);
}

const refused = (hint: string | null) =>
  new AppError("CONFLICT", "The payment provider refuses this invoice.", hint ? { hint } : {});

/** What Stripe won't do however often it is asked. */
function isRefusal(error: unknown): error is Stripe.errors.StripeInvalidRequestError {
  return (
    error instanceof Stripe.errors.StripeInvalidRequestError &&
    error.statusCode === 400 &&
    !isMissingAtStripe(error, "customer")
  );
}

const WORDS = ["open", "paid", "void", "uncollectible"] as const;

async function keep(ctx: TenantCtx, row: AddOnRow, invoice: Stripe.Invoice): Promise<void> {
  const { id, total, due_date } = invoice;
  const status = WORDS.find((word) => word === invoice.status) ?? "open";
  const dueAt = due_date ? new Date(due_date * 1_000) : null;
  await update(ctx, row, { status, invoiceId: id, totalMinor: BigInt(total), dueAt });
}

async function voidAt(ctx: TenantCtx, row: AddOnRow): Promise<void> {
  const { invoiceId } = row;
  if (!invoiceId) return;
  const { status } = await ctx.stripe.invoices.retrieve(invoiceId);
  if (status === "open" || status === "uncollectible") await ctx.stripe.invoices.voidInvoice(invoiceId);
}

async function update(ctx: TenantCtx, { id }: AddOnRow, set: Partial<AddOnRow>): Promise<void> {
  const is = and(eq(addOnInvoices.tenantId, ctx.tenant.id), eq(addOnInvoices.id, id));
  await inTenant(ctx, (tx) => tx.update(addOnInvoices).set(set).where(is));
}

/** What Stripe has done stands: the copy of it may come later, by webhook or by the next sync. */
async function follow(ctx: TenantCtx, { key }: AddOnRow): Promise<void> {
  const row = await rowOf(ctx, key);
  if (!row?.invoiceId) return;
  await noteInvoice(ctx, row.invoiceId);
  try {
    await syncCustomer(ctx);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    logError("add-on invoice: the sync comes later", error);
  }
}
