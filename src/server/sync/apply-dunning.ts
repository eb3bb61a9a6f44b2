import { and, eq, isNull, ne, or } from "drizzle-orm";
import type Stripe from "stripe";
import type { TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { audit, tell } from "../events/service";
import { type Dunning, openDunnings } from "../subscriptions/dunning";
import { dunningDays, dunningStep, isOver, nextStepAt, type Overdue } from "../subscriptions/dunning-rules";
import { dunnings } from "../subscriptions/dunning-tables";
import { dueTopUp } from "../top-ups/top-up-due";
import { lockAutoTopUp } from "../top-ups/top-up-standing";
import type { StripeState } from "./fetch";

type WritingCtx = TenantCtx & { tx: Tx };

/**
 * Brings the tenant's dunnings to where Stripe's invoices and the clock say they are, and tells each step once: whoever
 * comes late tells the one that holds now.
 */
export async function applyDunning(ctx: WritingCtx, state: StripeState): Promise<void> {
  const { overdue } = state.dunning;
  for (const row of await openDunnings(ctx)) {
    const isStillDue = overdue.some(({ invoiceId }) => invoiceId === row.invoiceId);
    if (!isStillDue && isPaid(row, state)) await settle(ctx, row, subscriptionOf(row, state));
  }
  for (const one of overdue) await note(ctx, one);
  for (const row of await openDunnings(ctx)) {
    if (!row.endingAt) await takeStep(ctx, row, subscriptionOf(row, state));
  }
}

const subscriptionOf = ({ subscriptionId }: Dunning, { subscriptions }: StripeState) =>
  subscriptions.find(({ id }) => id === subscriptionId);

/** Or nothing more is asked of the tenant. What we are voiding ourselves is not paid. */
function isPaid(row: Dunning, state: StripeState): boolean {
  if (state.dunning.fates.get(row.invoiceId) === "paid") return true;
  const status = subscriptionOf(row, state)?.status ?? "canceled";
  return !row.endingAt && !isOver(status);
}

const ofRow = ({ tenant }: TenantCtx, { invoiceId }: Pick<Dunning, "invoiceId">) =>
  and(eq(dunnings.tenantId, tenant.id), eq(dunnings.invoiceId, invoiceId));

/** Everything works again at once, what is bought by itself included. */
async function settle(
  ctx: WritingCtx,
  row: Dunning,
  subscription: Stripe.Subscription | undefined,
): Promise<void> {
  const closed = { closedAt: ctx.now(), outcome: "paid" as const, dueAt: null, endingAt: null };
  await ctx.tx.update(dunnings).set(closed).where(ofRow(ctx, row));
  // Paid in the moment in which it ended: an operator gives the money back, or the plan.
  const tooLate = isOver(subscription?.status ?? "canceled");
  const action = tooLate ? "subscription.paid_after_end" : "subscription.paid_up";
  await audit(ctx, { action, subject: row.subscriptionId, details: { invoice: row.invoiceId } });
  if ((await lockAutoTopUp(ctx))?.enabledAt) await dueTopUp(ctx, ctx.now());
}

/** The days are counted once; what is owed, and where it is paid, follows Stripe. */
async function note(ctx: WritingCtx, overdue: Overdue): Promise<void> {
  const { pastDueSince, ...now } = overdue;
  const days = dunningDays(ctx.prices, pastDueSince);
  const [row] = await ctx.tx.select().from(dunnings).where(ofRow(ctx, overdue));
  const opened = { closedAt: null, outcome: null };
  await ctx.tx
    .insert(dunnings)
    .values({ tenantId: ctx.tenant.id, ...days, ...now, ...opened, dueAt: ctx.now() })
    .onConflictDoUpdate({
      target: [dunnings.tenantId, dunnings.invoiceId],
      set: { ...now, ...opened },
      setWhere: or(isNull(dunnings.outcome), ne(dunnings.outcome, "ended")),
    });
  if (row) return;
  const details = { invoice: overdue.invoiceId, since: pastDueSince.toISOString() };
  await audit(ctx, { action: "subscription.past_due", subject: overdue.subscriptionId, details });
}

async function takeStep(
  ctx: WritingCtx,
  row: Dunning,
  subscription: Stripe.Subscription | undefined,
): Promise<void> {
  const now = ctx.now();
  const step = dunningStep(row, now);
  const endedElsewhere = isOver(subscription?.status ?? "canceled");
  if (endedElsewhere || step === "plan_ended") {
    await ctx.tx.update(dunnings).set({ endingAt: now, dueAt: now }).where(ofRow(ctx, row));
    await audit(ctx, { action: "subscription.ending_unpaid", subject: row.subscriptionId });
    // Whoever cancelled knows.
    const cancelled = subscription?.cancellation_details?.reason === "cancellation_requested";
    if (!(endedElsewhere && cancelled)) await tellPastDue(ctx, row, "plan_ended");
    return;
  }
  await ctx.tx
    .update(dunnings)
    .set({ dueAt: nextStepAt(row, now) })
    .where(ofRow(ctx, row));
  if (step === "grace") await tellFailed(ctx, row);
  else await tellPastDue(ctx, row, "purchases_stopped");
}

const iso = (at: Date | null) => at?.toISOString() ?? null;

async function tellFailed(ctx: WritingCtx, row: Dunning): Promise<void> {
  const { invoiceId, amountMinor, currency, payUrl, nextAttemptAt, purchasesStopAt } = row;
  await tell(ctx, {
    type: "billing.payment_failed",
    fact: `billing.payment_failed:${invoiceId}`,
    payload: {
      amountMinor: String(amountMinor),
      currency,
      payUrl,
      nextAttemptAt: iso(nextAttemptAt),
      graceEndsAt: iso(purchasesStopAt),
    },
  });
}

async function tellPastDue(
  ctx: WritingCtx,
  { invoiceId, amountMinor, currency, payUrl, planEndsAt }: Dunning,
  step: "purchases_stopped" | "plan_ended",
): Promise<void> {
  const isOpen = step === "purchases_stopped";
  await tell(ctx, {
    type: "billing.past_due",
    fact: `billing.past_due:${invoiceId}:${step}`,
    payload: {
      amountMinor: String(amountMinor),
      currency,
      payUrl: isOpen ? payUrl : null,
      step,
      endsAt: isOpen ? iso(planEndsAt) : null,
    },
  });
}
