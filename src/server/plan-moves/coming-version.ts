import type { Money } from "@/lib/money";
import type { TenantCtx } from "../context";
import { liveOverrides } from "../plans/live-overrides";
import { planVersion } from "../plans/service";
import { status } from "../quota/status";
import { type Interval, planPriceMinor } from "../stripe/rules";
import { type LimitChange, limitChanges } from "../subscriptions/plan-change-rules";
import { type MoveRow, type PartRow, partsOf } from "../subscriptions/plan-move-parts";
import { decidingSubscription } from "../subscriptions/rules";
import { localSubscriptions } from "../subscriptions/subscription";

export interface ComingVersion {
  /** From then on. */
  at: Date;
  plan: { id: string; name: string; version: number };
  /** Whether its limits hold already, and only the price is still to come. */
  isInForce: boolean;
  /** Of a renewal, before tax and discounts; null for whom nobody charges. */
  price: { before: Money; after: Money; interval: Interval } | null;
  /** What the plan allows, where that changes. */
  limits: LimitChange[];
}

/** What everyone on the tenant's version of its plan is about to get, or null. Reads our own tables only. */
export async function comingVersion(ctx: TenantCtx): Promise<ComingVersion | null> {
  const found = (await partsOf(ctx)).find(isComing);
  const at = found?.part.effectiveAt;
  if (!found || !at) return null;
  const { part } = found;
  const isBack = part.status === "returning";
  const [before, after] = await Promise.all([
    planVersion(ctx, isBack ? part.toVersion : part.fromVersion),
    planVersion(ctx, isBack ? part.fromVersion : part.toVersion),
  ]);
  const own = new Set((await liveOverrides(ctx)).keys());
  const used = new Map((await status(ctx)).meters.map((meter) => [meter.feature, meter.used]));
  const { id, name } = after.definition.plan;
  return {
    at,
    plan: { id, name, version: after.version },
    isInForce: part.inForceAt !== null,
    price: await priceOf(ctx, before.definition.plan, after.definition),
    limits: limitChanges(before.definition, after.definition, own, used),
  };
}

function isComing({ part, move }: { part: PartRow; move: MoveRow }): boolean {
  if (part.status === "returning") return true;
  const isOff = move.status === "undoing" || move.status === "undone";
  return !isOff && (part.status === "told" || part.status === "scheduled");
}

type Definition = Awaited<ReturnType<typeof planVersion>>["definition"];

async function priceOf(
  ctx: TenantCtx,
  before: Definition["plan"],
  { plan, currency }: Definition,
): Promise<ComingVersion["price"]> {
  const row = decidingSubscription(await localSubscriptions(ctx));
  const each = row && [planPriceMinor(before, row.interval), planPriceMinor(plan, row.interval)];
  if (!each || each[0] === null || each[1] === null) return null;
  const money = (minor: number): Money => ({ amountMinor: BigInt(minor) * BigInt(row.quantity), currency });
  return { before: money(each[0]!), after: money(each[1]!), interval: row.interval };
}
