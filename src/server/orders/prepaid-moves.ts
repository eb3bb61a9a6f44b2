import type Stripe from "stripe";
import type { TenantCtx } from "../context";
import { AppError } from "../errors";
import { planVersion } from "../plans/service";
import { isLive } from "../subscriptions/rules";
import { localSubscriptions, type SubscriptionRow } from "../subscriptions/subscription";
import type { checkoutInput } from "./inputs";
import { isPlanOnItsWay } from "./open-pages";
import type { NewLine } from "./order-lines";
import { prepaidOf } from "./prepaid";
import { compare, isRunning, type PrepaidTerm } from "./prepaid-rules";
import { isSubscription, type Purchase } from "./purchase";

/** A subscription that waits for days that are paid for carries this: to Stripe it is in a trial until they are over. */
const MARK = { begins: "after_paid_days" } as const;

const MINUTE_MS = 60_000;
/** Stripe's hosted pages take no trial that ends sooner than in 48 hours; some minutes more, for clocks that differ. */
const LEAST_WAIT_MS = (48 * 60 + 10) * MINUTE_MS;
/** A page that ends a subscription closes so long before its next period begins, and is open for at least so long. */
const CLOSES_BEFORE_MS = 10 * MINUTE_MS;
const LEAST_OPEN_MS = 35 * MINUTE_MS;
const DAY_MS = 86_400_000;

/** What the buyer agreed to, where both a subscription and paid days are about. */
export interface Agreed {
  /** A subscription begins when the days that are paid for are over, or at once, and they wait until it ends. */
  begins: "after_paid_days" | "now";
  /** The subscription that would renew ends at the end of its period, and the days that are bought begin there. */
  endsSubscription: boolean;
}

/** What a checkout's input agrees to. */
export function agreedOf(checked: ReturnType<typeof checkoutInput.parse>): Agreed {
  const { begins = "after_paid_days", endsSubscription = false } =
    "order" in checked ? checked.order : "plan" in checked ? checked : {};
  return { begins, endsSubscription };
}

/**
 * The purchase, placed where no day of it is paid twice: see `docs/prepaid-moves.md`. Goes by our own rows, so a sync comes
 * before it.
 * @throws AppError ALREADY_SUBSCRIBED, CONFLICT
 */
export async function withMove(ctx: TenantCtx, purchase: Purchase, agreed: Agreed): Promise<Purchase> {
  const plan = purchase.lines.find(({ kind }) => kind === "plan");
  if (!plan) return purchase;
  if (isSubscription(plan) && (await liveRows(ctx)).length > 0) throw alreadySubscribed();
  if (await isPlanOnItsWay(ctx))
    throw new AppError("CONFLICT", "A payment for a plan is on its way. Please wait until it has arrived.");
  const { term } = await prepaidOf(ctx);
  const running = isRunning(term, ctx.now()) ? term : null;
  return isSubscription(plan)
    ? afterPaidDays(ctx, purchase, { running, begins: agreed.begins })
    : afterSubscription(ctx, purchase, { running, plan, agreed });
}

function afterPaidDays(
  ctx: TenantCtx,
  purchase: Purchase,
  { running, begins }: { running: PrepaidTerm | null; begins: Agreed["begins"] },
): Purchase {
  const endsAt = running?.endsAt;
  if (!endsAt || begins === "now" || endsAt.getTime() - ctx.now().getTime() < LEAST_WAIT_MS) return purchase;
  if (purchase.lines.length > 1)
    throw new AppError(
      "CONFLICT",
      "A subscription that begins later is bought alone. Please buy the credits on their own.",
    );
  return { ...purchase, item: `${purchase.item}+from:${endsAt.toISOString()}`, beginsAt: endsAt };
}

interface DaysWish {
  running: PrepaidTerm | null;
  plan: NewLine;
  agreed: Agreed;
}

async function afterSubscription(
  ctx: TenantCtx,
  purchase: Purchase,
  { running, plan, agreed }: DaysWish,
): Promise<Purchase> {
  if (running) await refuseDowngrade(ctx, running, plan);
  if ((await localSubscriptions(ctx)).some(({ status }) => status === "paused"))
    throw new AppError(
      "CONFLICT",
      "The subscription is paused. Resume it, or cancel it, before paying ahead.",
    );
  const renewing = (await liveRows(ctx)).filter(({ cancelAt }) => cancelAt === null);
  const [row] = renewing;
  if (!row) return purchase;
  const at = row.currentPeriodEndsAt;
  if (renewing.length > 1 || row.status === "past_due" || row.planVersion === null) throw alreadySubscribed();
  if (!agreed.endsSubscription)
    throw new AppError(
      "ALREADY_SUBSCRIBED",
      `This workspace has a subscription that renews on ${dayOf(at)}. Days that are paid ahead begin when it ends.`,
      { hint: "With endsSubscription: true it ends there, once the days are paid." },
    );
  if (at.getTime() - ctx.now().getTime() < CLOSES_BEFORE_MS + LEAST_OPEN_MS)
    throw new AppError("CONFLICT", "The subscription renews within the hour. Please try again after that.");
  const ends = { subscriptionId: row.subscriptionId, at };
  return { ...purchase, item: `${purchase.item}+ends:${row.subscriptionId}:${at.toISOString()}`, ends };
}

async function refuseDowngrade(ctx: TenantCtx, running: PrepaidTerm, plan: NewLine): Promise<void> {
  const { definition, planId } = await planVersion(ctx, plan.planVersion!);
  const { name, price } = definition.plan;
  if (price.kind !== "prepaid" || compare({ planId, price }, running) !== "downgrade") return;
  const current = (await planVersion(ctx, running.planVersion)).definition.plan.name;
  const until = running.endsAt
    ? `${current} is paid for until ${dayOf(running.endsAt)}.`
    : `Days of ${current} are paid for.`;
  throw new AppError("CONFLICT", `${until} ${name} can be bought after that.`);
}

async function liveRows(ctx: TenantCtx): Promise<SubscriptionRow[]> {
  return (await localSubscriptions(ctx)).filter(({ status }) => isLive(status));
}

function alreadySubscribed(): AppError {
  return new AppError("ALREADY_SUBSCRIBED", "This workspace has a subscription already.", {
    hint: "Change or cancel it in the billing portal (billing.portal).",
  });
}

const dayOf = (at: Date) => at.toISOString().slice(0, 10);

/** What a hosted page is asked for a subscription that begins later. It is no trial of ours: a card is always asked for. */
export function beginParams(beginsAt: Date): Partial<Stripe.Checkout.SessionCreateParams> {
  return {
    payment_method_collection: "always",
    subscription_data: { metadata: { ...MARK }, trial_end: Math.ceil(beginsAt.getTime() / 1_000) },
  };
}

/**
 * What a hosted page is asked that ends a subscription: it closes before the next period begins. The same words for the
 * same row, whenever they are sent.
 */
export function closesInTime(ends: { at: Date }, createdAt: Date): { expires_at?: number } {
  const closesMs = ends.at.getTime() - CLOSES_BEFORE_MS;
  return closesMs - createdAt.getTime() < DAY_MS ? { expires_at: Math.floor(closesMs / 1_000) } : {};
}

/** When a subscription's plan begins, in unix seconds. Whoever ends the wait at Stripe lets it begin sooner. */
export function beginOf({ metadata, trial_end, start_date }: Stripe.Subscription): number {
  return metadata.begins === MARK.begins && trial_end !== null ? trial_end : start_date;
}
