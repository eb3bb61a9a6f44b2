import type { TenantCtx } from "@/server/context";
import { inTenant } from "@/server/db/transaction";
import { applyMoneyBack } from "@/server/sync/apply-money-back";
import type { Names } from "./names";
import type { Order } from "./state";

/** Tells the engine what Stripe has of these orders' refunds and disputes, as a sync does that has just looked. */
export async function lookAtMoney(ctx: TenantCtx, names: Names, orders: Order[]): Promise<object> {
  const looks = orders.map(({ tag, refunds, disputes }) => ({
    orderId: names.idOf(tag),
    asked: 0,
    refunds: refunds.map(({ id: refundId, amountMinor, status }) => ({
      refundId,
      status,
      amountMinor: BigInt(amountMinor),
      createdAt: ctx.now(),
    })),
    disputes: disputes.map(({ id: disputeId, amountMinor, status }) => ({
      disputeId,
      status,
      amountMinor: BigInt(amountMinor),
      reason: "fraudulent",
      openedAt: ctx.now(),
    })),
  }));
  await inTenant(ctx, (_tx, inner) => applyMoneyBack(inner, looks));
  return {};
}
