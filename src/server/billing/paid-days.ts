import type { Money } from "@/lib/money";
import type { TenantCtx } from "../context";
import { type CheckoutInput, checkoutInput } from "../orders/inputs";
import type { NewLine } from "../orders/order-lines";
import { prepaidLines } from "../orders/prepaid";
import { agreedOf, withMove } from "../orders/prepaid-moves";
import { isRunning, type PrepaidLine, prepaidStanding } from "../orders/prepaid-rules";
import { isSubscription, type Purchase, purchaseOf, withSeats, withTrial } from "../orders/purchase";
import { parseInput } from "../parse";
import { planVersion } from "../plans/service";
import { type Span, spanAt, spansOf } from "../subscriptions/prepaid-time-rules";
import { localSubscriptions } from "../subscriptions/subscription";
import { syncCustomer } from "../sync/sync";

/** Days that were paid ahead and are not over. */
export interface PaidDays {
  plan: { id: string; name: string };
  /** null: they run. Else when they will: `at` is null while the subscription that they wait for has no end. */
  waiting: { at: Date | null } | null;
  /** When they are over; null while nobody knows how long they wait. */
  endsAt: Date | null;
}

/** The days that the workspace has left, as of the last sync; null: none. Reads our own tables only. */
export async function paidDays(ctx: TenantCtx): Promise<PaidDays | null> {
  return standing(ctx, await prepaidLines(ctx), spansOf(await localSubscriptions(ctx)));
}

async function standing(
  ctx: TenantCtx,
  lines: readonly PrepaidLine[],
  spans: readonly Span[],
): Promise<PaidDays | null> {
  const { term } = prepaidStanding(lines, spans);
  if (!isRunning(term, ctx.now())) return null;
  const { planId: id, definition } = await planVersion(ctx, term.planVersion);
  const now = spanAt(spans, ctx.now());
  return {
    plan: { id, name: definition.plan.name },
    waiting: now && { at: now.endsAt },
    endsAt: term.endsAt,
  };
}

/** What a checkout would come to, if it were paid now. Amounts are before tax and promotion codes. */
export interface CheckoutPreview {
  lines: { name: string; amount: Money }[];
  /** What the page asks for. */
  dueNow: Money;
  /** A subscription: when it begins, and what is paid for the first time when; null: nothing is bought by subscription. */
  subscription: { beginsAt: Date; firstPayment: { at: Date; amount: Money } } | null;
  /** The days that the workspace then has, those it has now among them; null: none. */
  days: PaidDays | null;
  /** Credits for days left of the plan that this one takes the place of. */
  compensation: number;
  /** The subscription that is told to end then, once this is paid. */
  endsSubscription: { at: Date } | null;
}

/**
 * What buying something would do to the plan, day by day, before anybody pays. A subscription that would have to end is
 * shown as ending. Changes nothing.
 * @throws AppError as `startCheckout`
 */
export async function previewCheckout(ctx: TenantCtx, input: CheckoutInput): Promise<CheckoutPreview> {
  const checked = parseInput(checkoutInput, input);
  const wanted = await withSeats(ctx, await purchaseOf(ctx, checked));
  await syncCustomer(ctx);
  const placed = await withMove(ctx, wanted, { ...agreedOf(checked), endsSubscription: true });
  const purchase = placed.beginsAt ? placed : await withTrial(ctx, placed);
  const subscription = subscriptionAhead(ctx, purchase);
  const ahead = await daysAhead(ctx, purchase, subscription);
  const { currency } = ctx.prices;
  const isDue = (line: NewLine) =>
    !isSubscription(line) || subscription?.firstPayment.at.getTime() === ctx.now().getTime();
  const total = purchase.lines.filter(isDue).reduce((sum, { amountMinor }) => sum + amountMinor, 0n);
  return {
    lines: purchase.lines.map(({ name, amountMinor }) => ({ name, amount: { amountMinor, currency } })),
    dueNow: { amountMinor: total, currency },
    subscription,
    ...ahead,
    endsSubscription: purchase.ends ? { at: purchase.ends.at } : null,
  };
}

const DAY_MS = 86_400_000;

function subscriptionAhead(ctx: TenantCtx, purchase: Purchase): CheckoutPreview["subscription"] {
  const line = purchase.lines.find(isSubscription);
  if (!line) return null;
  const beginsAt = purchase.beginsAt ?? ctx.now();
  const at = new Date(beginsAt.getTime() + (purchase.trial?.days ?? 0) * DAY_MS);
  const amount = { amountMinor: line.amountMinor, currency: ctx.prices.currency };
  return { beginsAt, firstPayment: { at, amount } };
}

/** The standing as it would be: with the days that are bought, and the time of a subscription as it would be then. */
async function daysAhead(
  ctx: TenantCtx,
  purchase: Purchase,
  subscription: CheckoutPreview["subscription"],
): Promise<Pick<CheckoutPreview, "days" | "compensation">> {
  const before = await prepaidLines(ctx);
  const bought = await boughtLine(ctx, purchase);
  const rows = (await localSubscriptions(ctx)).map((row) =>
    row.subscriptionId === purchase.ends?.subscriptionId ? { ...row, cancelAt: purchase.ends.at } : row,
  );
  const spans = spansOf(rows);
  if (subscription) spans.push({ beginsAt: subscription.beginsAt, endsAt: null });
  const lines = bought ? [...before, bought] : before;
  const { compensations } = prepaidStanding(lines, spans);
  return {
    days: await standing(ctx, lines, spans),
    compensation: (bought && compensations.get(bought.orderId)) ?? 0,
  };
}

async function boughtLine(ctx: TenantCtx, { lines }: Purchase): Promise<PrepaidLine | null> {
  const line = lines.find(({ days }) => days);
  if (!line?.planVersion || !line.days) return null;
  const { planId, definition } = await planVersion(ctx, line.planVersion);
  const { price } = definition.plan;
  if (price.kind !== "prepaid") return null;
  const { planVersion: version, days } = line;
  return { orderId: "~", line: 1, planId, planVersion: version, price, days, fulfilledAt: ctx.now() };
}
