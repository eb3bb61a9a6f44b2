import type { TenantCtx } from "../context";
import { AppError } from "../errors";
import { parseInput } from "../parse";
import { planVersion } from "../plans/service";
import { ensureCustomer } from "./customer";
import { refuseOverdue } from "./dunning";
import { type CheckoutInput, checkoutInput } from "./inputs";
import { clashingPages, isFor, isPlanOnItsWay } from "./open-pages";
import { prepaidOf } from "./prepaid";
import { compare, isRunning, type PrepaidTerm } from "./prepaid-rules";
import { priceIdsOf } from "./prices";
import { isSubscription, type Purchase, purchaseOf } from "./purchase";
import { isLive } from "./rules";
import { withSeats } from "./seat-count";
import { closeSession, openSession } from "./session";
import { localSubscriptions } from "./subscription";
import { withTrial } from "./subscription-trial";
import { syncCustomer } from "./sync";
import { tryTurn, untilAnswered } from "./turn";

/**
 * The address of a hosted page that sells a plan, credits, or both. However often and from however many tabs it is
 * asked for, one page per purpose is open, and one that sells a plan: the same wish gets the same address, another
 * wish closes the old page first.
 * @throws AppError INVALID_INPUT, ALREADY_SUBSCRIBED, CONFLICT (a plan that is paid for is in the way),
 * PAYMENT_OVERDUE, PRICES_NOT_PUSHED, PAYMENT_PROVIDER, BUSY
 */
export async function startCheckout(ctx: TenantCtx, input: CheckoutInput): Promise<{ url: string }> {
  const wanted = await purchaseOf(ctx, parseInput(checkoutInput, input));
  const purchase = await withTrial(ctx, await withSeats(ctx, wanted));
  const priceIds = await priceIdsOf(ctx, purchase.lines);
  return untilAnswered(async () => {
    const customerId = await ensureCustomer(ctx);
    // What was paid or closed at Stripe meanwhile is known after this, so our own rows can be believed.
    await syncCustomer(ctx);
    await refuseOverdue(ctx, { sellsPlan: purchase.lines.some(({ kind }) => kind === "plan") });
    await refuseClash(ctx, purchase);
    const open = (await clashingPages(ctx, purchase)).filter(({ row }) => row.sessionId !== null);
    const [page] = open;
    if (page?.row.url && open.length === 1 && isFor(page, purchase)) return { url: page.row.url };
    if (page?.row.sessionId) {
      await closeSession(ctx, page.row.sessionId);
      return null;
    }
    return tryTurn(ctx, async (turn) => {
      const known = await clashingPages(ctx, purchase);
      if (known.some(({ row }) => row.sessionId !== null)) return null;
      const interrupted = known.find((one) => isFor(one, purchase))?.row ?? null;
      const replaces = known.map(({ row }) => row);
      return openSession(ctx, { turn, purchase, priceIds, customerId, interrupted, replaces });
    });
  });
}

/** One plan at a time: a subscription, or days that are paid for, and of those never a cheaper plan's. */
async function refuseClash(ctx: TenantCtx, { lines }: Purchase): Promise<void> {
  const plan = lines.find(({ kind }) => kind === "plan");
  if (!plan) return;
  if ((await localSubscriptions(ctx)).some(({ status }) => isLive(status)))
    throw new AppError("ALREADY_SUBSCRIBED", "This workspace has a subscription already.", {
      hint: "Change or cancel it in the billing portal (billing.portal).",
    });
  if (await isPlanOnItsWay(ctx))
    throw new AppError("CONFLICT", "A payment for a plan is on its way. Please wait until it has arrived.");
  const { term } = await prepaidOf(ctx);
  if (!isRunning(term, ctx.now())) return;
  const { definition, planId } = await planVersion(ctx, plan.planVersion!);
  const { name, price } = definition.plan;
  const isDowngrade = price.kind === "prepaid" && compare({ planId, price }, term) === "downgrade";
  if (isSubscription(plan) || isDowngrade) throw await paidAhead(ctx, term, name);
}

async function paidAhead(ctx: TenantCtx, term: PrepaidTerm, wanted: string): Promise<AppError> {
  const { definition } = await planVersion(ctx, term.planVersion);
  const day = term.endsAt.toISOString().slice(0, 10);
  return new AppError(
    "CONFLICT",
    `${definition.plan.name} is paid for until ${day}. ${wanted} can be bought after that.`,
  );
}
