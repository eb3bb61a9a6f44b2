import type { TenantCtx } from "../context";
import type { Tx } from "../db/client";
import type { Facts } from "../events/facts";
import { tell } from "../events/service";
import { liveOverrides } from "../plans/live-overrides";
import { planVersion } from "../plans/service";
import { planPriceMinor } from "../stripe/rules";
import { limitChanges } from "../subscriptions/plan-change-rules";
import type { PartRow } from "../subscriptions/plan-move-parts";
import type { SubscriptionRow } from "../subscriptions/subscription";
import type { Step } from "./plan-move-rules";

type WritingCtx = TenantCtx & { tx: Tx };

interface Turned {
  part: PartRow;
  step: Step;
  deciding: SubscriptionRow | null;
}

/** Says what is to come, that it has come, and that nothing comes of it: each once in a move. */
export async function tellPlanMove(ctx: WritingCtx, { part, step, deciding }: Turned): Promise<void> {
  const { moveId, fromVersion: from, toVersion: to } = part;
  const isTurn = step.status !== part.status;
  const there = { from, to };
  const back = { from: to, to: from };
  switch (step.status) {
    case "told":
    case "scheduled":
      return part.status === "chosen" ? tellMoving(ctx, { ...there, moveId, step, deciding }) : undefined;
    case "returning":
      return isTurn ? tellMoving(ctx, { ...back, moveId: `${moveId}:back`, step, deciding }) : undefined;
    case "moved":
      return isTurn ? tellMoved(ctx, { ...there, moveId, deciding }) : undefined;
    case "undone":
      if (!isTurn || part.status === "chosen") return undefined;
      if (part.status === "moved" || part.status === "returning" || part.inForceAt)
        return tellMoved(ctx, { ...back, moveId: `${moveId}:back`, deciding });
      await tell(ctx, {
        type: "billing.plan_move_undone",
        fact: `billing.plan_move_undone:${moveId}`,
        payload: { plan: from, instead: to },
      });
      return undefined;
    case "chosen":
    case "kept":
    case "left":
      return undefined;
  }
}

interface Way {
  from: string;
  to: string;
  moveId: string;
  deciding: SubscriptionRow | null;
}

async function tellMoving(ctx: WritingCtx, { from, to, moveId, step, deciding }: Way & { step: Step }) {
  const at = step.effectiveAt ?? ctx.now();
  const price = await priceOf(ctx, to, deciding);
  const changes = await changesOf(ctx, from, to);
  const payload = { from, to, at: at.toISOString(), ...price, changes };
  await tell(ctx, { type: "billing.plan_moving", fact: `billing.plan_moving:${moveId}`, payload });
}

async function tellMoved(ctx: WritingCtx, { from, to, moveId, deciding }: Way) {
  const payload = { from, to, ...(await priceOf(ctx, to, deciding)) };
  await tell(ctx, { type: "billing.plan_moved", fact: `billing.plan_moved:${moveId}`, payload });
}

/** What a renewal of its subscription costs by then; nothing for whom nobody charges. */
async function priceOf(
  ctx: WritingCtx,
  to: string,
  deciding: SubscriptionRow | null,
): Promise<Pick<Facts["billing.plan_moved"], "amountMinor" | "currency" | "interval">> {
  const { definition } = await planVersion(ctx, to);
  const each = deciding && planPriceMinor(definition.plan, deciding.interval);
  return {
    amountMinor: deciding && each !== null ? String(BigInt(each) * BigInt(deciding.quantity)) : null,
    currency: definition.currency,
    interval: deciding?.interval ?? "month",
  };
}

async function changesOf(ctx: WritingCtx, from: string, to: string) {
  const [before, after] = [await planVersion(ctx, from), await planVersion(ctx, to)];
  const own = new Set((await liveOverrides(ctx)).keys());
  const changes = limitChanges(before.definition, after.definition, own, new Map());
  return changes.map(({ name, unit, from: now, to: then }) => ({ name, unit, before: now, after: then }));
}
