import { and, eq, isNull } from "drizzle-orm";
import Stripe from "stripe";
import { newId } from "@/lib/ids";
import { logError } from "@/lib/log";
import { cancelSubscription } from "../billing/end-subscription";
import { actorName, type TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { audit } from "../events/service";
import { invoiceCredits } from "../invoices/tables";
import { parseInput } from "../parse";
import { asProviderError, isKeySpent } from "../stripe/stripe-client";
import { inTurn } from "../stripe/turn";
import { decidingSubscription } from "../subscriptions/rules";
import { localSubscriptions } from "../subscriptions/subscription";
import { askForLook } from "../sync/look-at-payment";
import { syncCustomer } from "../sync/sync";
import { creditableOf } from "./creditable";
import { type CreditInvoiceInput, creditInvoiceInput } from "./inputs";

/** A wish that failed inside Stripe needs another key, since the old one answers with the failure for a day. */
const MAX_KEYS = 3;

export interface InvoiceCredit {
  /** cn_… */
  creditNoteId: string;
  invoiceId: string;
  /** Minor units of the invoice's currency. */
  amountMinor: number;
  /** `nothing`: it was not paid, and less of it is owed. */
  give: "refund" | "balance" | "nothing";
  /** The same wish had been granted before. */
  replayed: boolean;
}

type Wish = ReturnType<typeof creditInvoiceInput.parse>;
type CreditRow = typeof invoiceCredits.$inferSelect;

/**
 * Credits part of an invoice, or all that is left of it, by the operator: its money goes back, or stays for the next
 * invoices, or less of it is owed. Once per key: the row is written first, and what a crash left undone the next call
 * does. The plan stays as it is unless the wish says that it ends.
 * @throws AppError NOT_FOUND, INVALID_INPUT for more than is left, CONFLICT when nothing is left or the bank has the
 * money, IDEMPOTENCY_CONFLICT for a key that asked for something else, PAYMENT_PROVIDER, BUSY
 */
export async function creditInvoice(ctx: TenantCtx, input: CreditInvoiceInput): Promise<InvoiceCredit> {
  if (ctx.tx) throw new Error("creditInvoice waits for Stripe: call it outside transactions.");
  const wish = parseInput(creditInvoiceInput, input);
  const known = await rowOf(ctx, wish.key);
  const row = known ?? (await ask(ctx, wish));
  if (!isSame(row, wish))
    throw new AppError("IDEMPOTENCY_CONFLICT", "This key has asked for something else.");
  const creditNoteId = await issue(ctx, row);
  await follow(ctx, row);
  const { invoiceId, give } = row;
  const replayed = known?.status === "issued";
  return { creditNoteId, invoiceId, amountMinor: Number(row.amountMinor), give, replayed };
}

/** Gets done what a crash left undone. @throws AppError PAYMENT_PROVIDER, BUSY */
export async function resumeCredits(ctx: TenantCtx): Promise<void> {
  const isOpen = and(eq(invoiceCredits.tenantId, ctx.tenant.id), isNull(invoiceCredits.finishedAt));
  const rows = await inTenant(ctx, (tx) => tx.select().from(invoiceCredits).where(isOpen));
  for (const row of rows) {
    try {
      await issue(ctx, row);
      await follow(ctx, row);
    } catch (error) {
      // Refused for good: the row says so.
      if (!(error instanceof AppError) || error.code !== "CONFLICT") throw error;
    }
  }
}

async function rowOf(ctx: TenantCtx, key: string): Promise<CreditRow | null> {
  const is = and(eq(invoiceCredits.tenantId, ctx.tenant.id), eq(invoiceCredits.key, key));
  const [row] = await inTenant(ctx, (tx) => tx.select().from(invoiceCredits).where(is));
  return row ?? null;
}

function isSame(row: CreditRow, { invoiceId, amountMinor, give, plan }: Wish): boolean {
  return (
    row.invoiceId === invoiceId &&
    (amountMinor === undefined || row.amountMinor === BigInt(amountMinor)) &&
    (row.give === "nothing" || row.give === give) &&
    row.plan === plan
  );
}

/** The row and who wished for it, before any money moves. Of two at once with one key the first one's holds. */
async function ask(ctx: TenantCtx, wish: Wish): Promise<CreditRow> {
  const { key, reason, memo = null, plan } = wish;
  const creditable = await creditableOf(ctx, wish);
  const createdAt = ctx.now();
  const row = {
    ...creditable,
    tenantId: ctx.tenant.id,
    id: newId("invoiceCredit", createdAt),
    key,
    status: "asked" as const,
    memo,
    plan,
    createdBy: actorName(ctx.actor),
    createdAt,
  };
  await inTenant(ctx, async (tx, inner) => {
    const written = await tx.insert(invoiceCredits).values(row).onConflictDoNothing().returning();
    const { invoiceId: subject, amountMinor, currency, give } = creditable;
    const details = { amountMinor: Number(amountMinor), currency, give, plan, reason, key };
    if (written.length > 0) await audit(inner, { action: "invoice.credit_requested", subject, details });
  });
  const kept = await rowOf(ctx, key);
  if (!kept) throw new AppError("BUSY", "Please try again in a moment.");
  return kept;
}

/** @returns the credit note's id */
async function issue(ctx: TenantCtx, row: CreditRow): Promise<string> {
  if (row.creditNoteId) return row.creditNoteId;
  if (row.status === "failed") throw refused(row.failedReason);
  let issued: string | null = null;
  try {
    await inTurn(ctx, async () => {
      const note = await noteOf(ctx, row);
      issued = note.id;
      await write(ctx, row, { status: "issued", creditNoteId: note.id });
    });
  } catch (error) {
    if (!isRefusal(error)) throw asProviderError(error);
    const failedReason = error.code ?? error.message;
    await write(ctx, row, { status: "failed", failedReason, finishedAt: ctx.now() });
    throw refused(failedReason);
  }
  return issued ?? "";
}

const refused = (hint: string | null) =>
  new AppError("CONFLICT", "The invoice can't be credited by that any more.", hint ? { hint } : {});

/** What Stripe won't do however often it is asked; a key that is in use or used up is not that. */
function isRefusal(error: unknown): error is Stripe.errors.StripeInvalidRequestError {
  return error instanceof Stripe.errors.StripeInvalidRequestError && (error.statusCode ?? 0) === 400;
}

/** Stripe's own list is asked first: it knows a wish for ever, and an answer that got lost. */
async function noteOf(ctx: TenantCtx, row: CreditRow): Promise<Stripe.CreditNote> {
  const { invoiceId: invoice, memo, give } = row;
  const amount = Number(row.amountMinor);
  const parts = { refund: { refund_amount: amount }, balance: { credit_amount: amount }, nothing: {} }[give];
  const metadata = { tenantId: ctx.tenant.id, creditId: row.id };
  for (let attempt = 1; ; attempt += 1) {
    const { data } = await ctx.stripe.creditNotes.list({ invoice, limit: 100 });
    const known = data.find((note) => note.metadata?.creditId === row.id);
    if (known) return known;
    const idempotencyKey = `credit:${row.id}:${attempt}`;
    try {
      const params = { invoice, amount, ...parts, ...(memo ? { memo } : {}), metadata };
      return await ctx.stripe.creditNotes.create(params, { idempotencyKey });
    } catch (error) {
      if (!isKeySpent(error) || attempt >= MAX_KEYS) throw error;
    }
  }
}

async function write(
  ctx: TenantCtx,
  { id }: CreditRow,
  outcome: Partial<Pick<CreditRow, "status" | "creditNoteId" | "failedReason" | "finishedAt">>,
): Promise<void> {
  const isOpen = and(
    eq(invoiceCredits.tenantId, ctx.tenant.id),
    eq(invoiceCredits.id, id),
    isNull(invoiceCredits.finishedAt),
  );
  await inTenant(ctx, (tx) => tx.update(invoiceCredits).set(outcome).where(isOpen));
}

/** What the money had bought follows it, and the plan ends if that was wished: now, or by whoever comes next. */
async function follow(ctx: TenantCtx, row: CreditRow): Promise<void> {
  const { paymentId, plan, subscriptionId } = row;
  if (paymentId) await askForLook(ctx, paymentId);
  const live = decidingSubscription(await localSubscriptions(ctx));
  const when = plan === "ends_now" ? "now" : "period_end";
  const runs = plan !== "keep" && live?.subscriptionId === subscriptionId;
  const ends = runs && !(when === "period_end" && live?.cancelAt);
  if (ends) await cancelSubscription(ctx, { when, reason: "other" });
  else await syncOrLater(ctx);
  await write(ctx, row, { finishedAt: ctx.now() });
}

async function syncOrLater(ctx: TenantCtx): Promise<void> {
  try {
    await syncCustomer(ctx);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    logError("credit: the sync comes later", error);
  }
}
