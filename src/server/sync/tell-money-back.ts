import type { TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { tell } from "../events/service";
import { isWithdrawn } from "../orders/money-back-rules";
import type { Order } from "../orders/place-order";
import type { MoneyBack } from "./fetch-money-back";

/** Tells people of refunds that went out, and of what becomes of disputes: each once, however often it is looked at. */
export async function tellMoneyBack(
  ctx: TenantCtx & { tx: Tx },
  { id: orderId, currency }: Order,
  look: MoneyBack,
): Promise<void> {
  for (const { refundId, status, amountMinor } of look.refunds) {
    if (status !== "succeeded") continue;
    const payload = { orderId, amountMinor: String(amountMinor), currency };
    await tell(ctx, { type: "order.refunded", fact: `order.refunded:${refundId}`, payload });
  }
  for (const { disputeId, status, amountMinor } of look.disputes) {
    const stage = stageOf(status);
    if (!stage) continue;
    const payload = { orderId, amountMinor: String(amountMinor), currency, status: stage };
    await tell(ctx, { type: "order.disputed", fact: `order.disputed:${disputeId}:${stage}`, payload });
  }
}

/** null: an inquiry, which moves no money, or one that was settled by a refund, which is told by itself. */
function stageOf(status: string): "open" | "won" | "lost" | null {
  if (status === "won" || status === "lost") return status;
  return isWithdrawn(status) ? "open" : null;
}
