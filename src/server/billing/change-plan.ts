import { and, eq, notInArray } from "drizzle-orm";
import type Stripe from "stripe";
import { newId } from "@/lib/ids";
import type { Money } from "@/lib/money";
import { actorName, type TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { audit } from "../events/service";
import { parseInput } from "../parse";
import { asProviderError, isFateUnknown } from "../stripe/stripe-client";
import { customers } from "../stripe/tables";
import { ofTurn, type Turn, tryTurn, untilAnswered } from "../stripe/turn";
import { isFresh, parsePreviewName } from "../subscriptions/plan-change-rules";
import {
  type ChangeRequest,
  changedMeanwhile,
  type Quote,
  quotePlanChange,
  updateOf,
} from "../subscriptions/quote-plan-change";
import { releaseSchedule, scheduleChange } from "../subscriptions/schedule-change";
import { planChanges } from "../subscriptions/tables";
import { syncCustomer } from "../sync/sync";
import { paymentMethodFor } from "../top-ups/payment-method";
import { type ChangePlanInput, changePlanInput } from "./inputs";

type PlanChangeRow = typeof planChanges.$inferSelect;
type Wish = ReturnType<typeof changePlanInput.parse>;

export interface PlanChange {
  /** `payment_needed`: nothing has changed yet, and will once `payUrl` was paid. */
  outcome: "changed" | "scheduled" | "payment_needed";
  effectiveAt: Date;
  /** What was invoiced; below zero it is kept for later invoices. */
  total: Money;
  /** The invoice's page: its card can be confirmed there, or another one taken. */
  payUrl: string | null;
  reason: "declined" | "authentication" | null;
}

/**
 * Carries out a change that was previewed: a dearer plan at once against payment, a cheaper one at the period's end.
 * The same preview twice, at once or after a crash, is one change; what no longer holds is refused. A card that refuses
 * changes nothing.
 * @throws AppError INVALID_INPUT, CONFLICT (look again), CARD_NEEDED, PRICES_NOT_PUSHED, PAYMENT_PROVIDER, BUSY
 */
export async function changePlan(ctx: TenantCtx, input: ChangePlanInput): Promise<PlanChange> {
  const wish = parseInput(changePlanInput, input);
  await syncCustomer(ctx);
  const change = await untilAnswered(
    async () => (await ended(ctx, wish)) ?? (await tryTurn(ctx, (turn) => changeInTurn(ctx, turn, wish))),
  );
  await syncCustomer(ctx);
  return viewOf((await rowOf(ctx, wish.preview)) ?? change);
}

async function changeInTurn(ctx: TenantCtx, turn: Turn, wish: Wish): Promise<PlanChangeRow | null> {
  const known = await rowOf(ctx, wish.preview);
  if (known && known.status !== "asked") return known;
  const row = known ?? (await begin(ctx, turn, await confirmed(ctx, wish), wish.preview));
  return row && carryOut(ctx, row);
}

/** What became of this preview before, or null when nothing is known yet, or nothing came of it. @throws AppError CONFLICT */
async function ended(ctx: TenantCtx, { preview, plan, interval }: Wish): Promise<PlanChangeRow | null> {
  const row = await rowOf(ctx, preview);
  if (!row) return null;
  if (!row.toVersion.startsWith(`${plan}@`) || row.interval !== interval) throw changedMeanwhile();
  return row.status === "asked" ? null : row;
}

/** The change of a preview; one that came to nothing doesn't count. */
async function rowOf(ctx: TenantCtx, preview: string): Promise<PlanChangeRow | null> {
  const [row] = await inTenant(ctx, (tx) =>
    tx
      .select()
      .from(planChanges)
      .where(
        and(
          eq(planChanges.tenantId, ctx.tenant.id),
          eq(planChanges.preview, preview),
          notInArray(planChanges.status, ["failed", "dropped"]),
        ),
      ),
  );
  return row ?? null;
}

/** The change as it stands now, which has to be the one that was looked at. */
async function confirmed(ctx: TenantCtx, { plan, interval, preview }: Wish): Promise<Quote> {
  const name = parsePreviewName(preview);
  if (!name) throw new AppError("INVALID_INPUT", "This names no preview.");
  if (!isFresh(name.at, ctx.now())) throw changedMeanwhile();
  const quote = await quotePlanChange(ctx, { plan, interval }, name.at);
  if (quote.fingerprint !== name.fingerprint || quote.totalMinor !== name.totalMinor)
    throw changedMeanwhile();
  const isDue = (quote.invoice?.amount_due ?? 0) > 0;
  if (isDue && !(await paymentMethodFor(ctx)))
    throw new AppError("CARD_NEEDED", "Please add a payment method first.", {
      hint: "billing.addPaymentMethod",
    });
  return quote;
}

/** One change at a time: an earlier one whose answer never came is dropped, since no trace of it was found. */
async function begin(
  ctx: TenantCtx,
  turn: Turn,
  quote: Quote,
  preview: string,
): Promise<PlanChangeRow | null> {
  const row = newRow(ctx, quote, preview);
  return inTenant(ctx, async (tx, inner) => {
    const ours = await tx.select().from(customers).where(ofTurn(ctx, turn)).for("no key update");
    if (ours.length === 0) return null;
    await tx
      .update(planChanges)
      .set({ status: "dropped", finishedAt: ctx.now() })
      .where(and(eq(planChanges.tenantId, ctx.tenant.id), eq(planChanges.status, "asked")));
    await tx.insert(planChanges).values(row);
    const { fromVersion, toVersion, interval, totalMinor } = row;
    await audit(inner, {
      action: "subscription.change_requested",
      subject: row.id,
      details: { from: fromVersion, to: toVersion, interval, totalMinor: String(totalMinor) },
    });
    return row;
  });
}

function newRow(ctx: TenantCtx, quote: Quote, preview: string): PlanChangeRow {
  const now = ctx.now();
  return {
    tenantId: ctx.tenant.id,
    id: newId("planChange", now),
    preview,
    status: "asked",
    subscriptionId: quote.request.subscription,
    fromVersion: quote.from?.id ?? null,
    toVersion: quote.to.id,
    interval: quote.interval,
    effectiveAt: quote.takesEffectAt,
    totalMinor: quote.totalMinor,
    currency: quote.recurring.currency,
    request: { ...quote.request },
    invoiceId: null,
    payUrl: null,
    failedReason: null,
    createdBy: actorName(ctx.actor),
    createdAt: now,
    finishedAt: null,
  };
}

type Ending = Pick<PlanChangeRow, "status" | "invoiceId" | "payUrl" | "failedReason">;
const NO_INVOICE = { invoiceId: null, payUrl: null, failedReason: null };

/** Asks Stripe under the row's own key. What Stripe refuses for good ends the row; what may have arrived is asked again. */
async function carryOut(ctx: TenantCtx, row: PlanChangeRow): Promise<PlanChangeRow> {
  const request = row.request as unknown as ChangeRequest;
  try {
    if (request.timing === "period_end") {
      await scheduleChange(ctx, row.id, request);
      return await end(ctx, row, { ...NO_INVOICE, status: "scheduled" });
    }
    return await end(ctx, row, await changeNow(ctx, row.id, request));
  } catch (error) {
    if (!isFateUnknown(error)) await end(ctx, row, { ...NO_INVOICE, status: "failed" });
    throw asProviderError(error);
  }
}

async function changeNow(ctx: TenantCtx, id: string, request: ChangeRequest): Promise<Ending> {
  // One that has done its work would still hold on to the subscription.
  await releaseSchedule(ctx, await ctx.stripe.subscriptions.retrieve(request.subscription));
  const subscription = await ctx.stripe.subscriptions.update(
    request.subscription,
    { ...updateOf(request), payment_behavior: "pending_if_incomplete", expand: ["latest_invoice"] },
    { idempotencyKey: `plan_change:${id}` },
  );
  const invoice = subscription.latest_invoice as Stripe.Invoice | null;
  const invoiceId = request.charges ? (invoice?.id ?? null) : null;
  if (!subscription.pending_update) return { ...NO_INVOICE, status: "changed", invoiceId };
  return {
    status: "payment_needed",
    invoiceId,
    payUrl: invoice?.hosted_invoice_url ?? null,
    failedReason: await whyUnpaid(ctx, invoiceId),
  };
}

async function whyUnpaid(ctx: TenantCtx, invoice: string | null): Promise<"declined" | "authentication"> {
  if (!invoice) return "declined";
  const expand = ["data.payment.payment_intent"];
  const { data } = await ctx.stripe.invoicePayments.list({ invoice, limit: 1, expand });
  const intent = data[0]?.payment.payment_intent as Stripe.PaymentIntent | undefined;
  return intent?.status === "requires_action" ? "authentication" : "declined";
}

async function end(ctx: TenantCtx, row: PlanChangeRow, ending: Ending): Promise<PlanChangeRow> {
  const finished = { ...ending, finishedAt: ctx.now() };
  await inTenant(ctx, (tx) =>
    tx
      .update(planChanges)
      .set(finished)
      .where(
        and(
          eq(planChanges.tenantId, ctx.tenant.id),
          eq(planChanges.id, row.id),
          eq(planChanges.status, "asked"),
        ),
      ),
  );
  return { ...row, ...finished };
}

function viewOf({
  status,
  effectiveAt,
  totalMinor,
  currency,
  payUrl,
  failedReason,
}: PlanChangeRow): PlanChange {
  if (status !== "changed" && status !== "scheduled" && status !== "payment_needed") throw changedMeanwhile();
  return {
    outcome: status,
    effectiveAt,
    total: { amountMinor: totalMinor, currency },
    payUrl: status === "payment_needed" ? payUrl : null,
    reason: status === "payment_needed" ? (failedReason as "declined" | "authentication") : null,
  };
}
