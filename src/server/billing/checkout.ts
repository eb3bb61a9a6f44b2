import type { TenantCtx } from "../context";
import { AppError } from "../errors";
import { type CheckoutInput, checkoutInput } from "../orders/inputs";
import { clashingPages, isFor } from "../orders/open-pages";
import { agreedOf, withMove } from "../orders/prepaid-moves";
import { type Purchase, purchaseOf, withSeats, withTrial } from "../orders/purchase";
import { closeSession, openSession } from "../orders/session";
import { parseInput } from "../parse";
import { ensureCustomer } from "../stripe/customer";
import { priceIdsOf } from "../stripe/prices";
import { tryTurn, untilAnswered } from "../stripe/turn";
import { refuseOverdue } from "../subscriptions/dunning";
import { pausedSubscription } from "../subscriptions/pause-rules";
import { localSubscriptions } from "../subscriptions/subscription";
import { syncCustomer } from "../sync/sync";

/**
 * The address of a hosted page that sells a plan, credits, or both. However often and from however many tabs it is
 * asked for, one page per purpose is open, and one that sells a plan: the same wish gets the same address, another
 * wish closes the old page first.
 * @throws AppError INVALID_INPUT, ALREADY_SUBSCRIBED (also without `endsSubscription` for days beside a subscription that
 * renews), CONFLICT (a plan that is paid for is in the way), PAYMENT_OVERDUE, PRICES_NOT_PUSHED, PAYMENT_PROVIDER, BUSY
 */
export async function startCheckout(ctx: TenantCtx, input: CheckoutInput): Promise<{ url: string }> {
  const checked = parseInput(checkoutInput, input);
  const wanted = await withSeats(ctx, await purchaseOf(ctx, checked));
  const priceIds = await priceIdsOf(ctx, wanted.lines);
  return untilAnswered(async () => {
    const customerId = await ensureCustomer(ctx);
    // What was paid or closed at Stripe meanwhile is known after this, so our own rows can be believed.
    await syncCustomer(ctx);
    await refuseOverdue(ctx, { sellsPlan: wanted.lines.some(({ kind }) => kind === "plan") });
    await refuseWhilePaused(ctx, wanted);
    const placed = await withMove(ctx, wanted, agreedOf(checked));
    const purchase = placed.beginsAt ? placed : await withTrial(ctx, placed);
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

/** A subscription that rests comes back: beside it a second plan would be paid for. */
async function refuseWhilePaused(ctx: TenantCtx, { lines }: Purchase): Promise<void> {
  if (!lines.some(({ kind }) => kind === "plan") || !pausedSubscription(await localSubscriptions(ctx)))
    return;
  throw new AppError("ALREADY_SUBSCRIBED", "The subscription is paused. Resume or cancel it first.", {
    hint: "billing.resume",
  });
}
