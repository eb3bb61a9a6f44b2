import { and, asc, eq, isNull } from "drizzle-orm";
import type { Money } from "@/lib/money";
import { mayDo } from "../accounts/rules";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { type DunningStep, dunningStep, nextStepAt } from "./dunning-rules";
import { dunnings } from "./dunning-tables";
import type { SubscriptionRow } from "./subscription";

export type Dunning = typeof dunnings.$inferSelect;

/** What a tenant has not paid, and what comes of that. */
export interface PastDue {
  since: Date;
  amount: Money;
  step: DunningStep;
  /** From then on nothing more can be bought. */
  purchasesStopAt: Date;
  /** Then the plan falls to the default one, and the subscription ends. */
  planEndsAt: Date;
  /** When the next step begins; null: the last one has. */
  nextStepAt: Date | null;
  nextAttemptAt: Date | null;
  /** Where it is paid: for those only who may pay. */
  payUrl: string | null;
}

/** Unpaid subscriptions, the longest first. */
export function openDunnings(ctx: TenantCtx): Promise<Dunning[]> {
  return inTenant(ctx, (tx) =>
    tx
      .select()
      .from(dunnings)
      .where(and(eq(dunnings.tenantId, ctx.tenant.id), isNull(dunnings.closedAt)))
      .orderBy(asc(dunnings.pastDueSince), asc(dunnings.invoiceId)),
  );
}

/** What is unpaid the longest, as of the last sync; null: nothing is. Reads our own tables only. */
export async function pastDueOf(ctx: TenantCtx): Promise<PastDue | null> {
  const [row] = await openDunnings(ctx);
  if (!row) return null;
  const mayPay = ctx.tenant.role !== null && mayDo(ctx.tenant.role, "billing:write");
  return {
    since: row.pastDueSince,
    amount: { amountMinor: row.amountMinor, currency: row.currency },
    step: stepOf(ctx, row),
    purchasesStopAt: row.purchasesStopAt,
    planEndsAt: row.planEndsAt,
    nextStepAt: nextStepAt(row, ctx.now()),
    nextAttemptAt: row.nextAttemptAt,
    payUrl: mayPay ? row.payUrl : null,
  };
}

/** Whether nothing more may be bought, because something has been unpaid for longer than the days of grace. */
export async function mustPayFirst(ctx: TenantCtx): Promise<boolean> {
  return (await openDunnings(ctx)).some((row) => stepOf(ctx, row) !== "grace");
}

/**
 * Refuses a purchase while something is overdue: any after the days of grace, and from the first failed payment on one of
 * a plan, since there is one that only has to be paid.
 * @throws AppError PAYMENT_OVERDUE with the page to pay
 */
export async function refuseOverdue(ctx: TenantCtx, { sellsPlan }: { sellsPlan: boolean }): Promise<void> {
  const rows = await openDunnings(ctx);
  const row = rows.find((one) => sellsPlan || stepOf(ctx, one) !== "grace");
  if (!row) return;
  const message = sellsPlan
    ? "The last payment of your plan failed. Please pay it before buying or changing a plan."
    : "Your plan has not been paid for. Please pay it before buying anything else.";
  throw new AppError("PAYMENT_OVERDUE", message, { payUrl: row.payUrl });
}

/** A subscription, and when the plan that it gives is over if nobody pays. */
interface Standing {
  row: SubscriptionRow;
  endsAt: Date | undefined;
}

/**
 * Subscriptions as they decide the plan: one whose end is under way gives none any more, and one that Stripe has given up
 * on gives its plan for as long as was told.
 */
export function standingOf(rows: readonly SubscriptionRow[], open: readonly Dunning[]): Standing[] {
  return rows.flatMap((row): Standing | [] => {
    const dunning = open.find(({ subscriptionId }) => subscriptionId === row.subscriptionId);
    if (!dunning) return { row, endsAt: undefined };
    if (dunning.endingAt) return [];
    const status = row.status === "unpaid" ? "past_due" : row.status;
    return { row: { ...row, status }, endsAt: dunning.planEndsAt };
  });
}

const stepOf = (ctx: TenantCtx, row: Dunning): DunningStep =>
  row.endingAt ? "plan_ended" : dunningStep(row, ctx.now());
