import { and, eq } from "drizzle-orm";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { parseInput } from "../parse";
import { ensureCustomer } from "./customer";
import { type CheckoutInput, checkoutInput } from "./inputs";
import { priceIdOf } from "./prices";
import { type Purchase, purchaseOf } from "./purchase";
import { isLive } from "./rules";
import { closeSession, openSession } from "./session";
import { localSubscriptions } from "./subscription";
import { syncCustomer } from "./sync";
import { checkouts } from "./tables";
import { tryTurn, untilAnswered } from "./turn";

/**
 * The address of a hosted page that sells a plan or a pack. However often and from however many tabs it is asked
 * for, one page per purpose is open: the same wish gets the same address, another wish closes the old page first.
 * @throws AppError INVALID_INPUT, ALREADY_SUBSCRIBED, PRICES_NOT_PUSHED, PAYMENT_PROVIDER, BUSY
 */
export async function startCheckout(ctx: TenantCtx, input: CheckoutInput): Promise<{ url: string }> {
  const purchase = await purchaseOf(ctx, parseInput(checkoutInput, input));
  const priceId = await priceIdOf(ctx, purchase.price);
  return untilAnswered(async () => {
    const customerId = await ensureCustomer(ctx);
    // What was paid or closed at Stripe meanwhile is known after this, so our own rows can be believed.
    await syncCustomer(ctx);
    if (purchase.purpose === "subscription") await refuseSecondSubscription(ctx);
    const open = await openCheckout(ctx, purchase.purpose);
    if (open?.url && isFor(open, purchase)) return { url: open.url };
    if (open?.sessionId) {
      await closeSession(ctx, open.sessionId);
      return null;
    }
    return tryTurn(ctx, async (turn) => {
      const known = await openCheckout(ctx, purchase.purpose);
      if (known?.sessionId) return null;
      const interrupted = known && isFor(known, purchase) ? known : null;
      return openSession(ctx, { turn, purchase, priceId, customerId, interrupted });
    });
  });
}

async function refuseSecondSubscription(ctx: TenantCtx): Promise<void> {
  const subscribed = (await localSubscriptions(ctx)).some(({ status }) => isLive(status));
  if (!subscribed) return;
  throw new AppError("ALREADY_SUBSCRIBED", "This workspace has a subscription already.", {
    hint: "Change or cancel it in the billing portal (billing.portal).",
  });
}

async function openCheckout(ctx: TenantCtx, purpose: Purchase["purpose"]) {
  const { tenantId, purpose: ofPurpose, status } = checkouts;
  const [row] = await inTenant(ctx, (tx) =>
    tx
      .select()
      .from(checkouts)
      .where(and(eq(tenantId, ctx.tenant.id), eq(ofPurpose, purpose), eq(status, "open"))),
  );
  return row;
}

function isFor(row: typeof checkouts.$inferSelect, purchase: Purchase): boolean {
  return row.item === purchase.item && row.credits === purchase.credits;
}
