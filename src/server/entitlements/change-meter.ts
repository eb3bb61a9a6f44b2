import { and, eq, sql } from "drizzle-orm";
import { newId } from "@/lib/ids";
import { actorName, type TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { rollMeter } from "../ledger/roll-meter";
import { entries, meters } from "../ledger/tables";
import type { Meter, Policy } from "./policy";

type WritingCtx = TenantCtx & { tx: Tx };
type Window = Pick<Meter, "windowStartsAt" | "windowEndsAt">;
type Balance = Pick<Meter, "used" | "beyond" | "over" | "granted">;

/** Opens a meter with its first window. The caller has seen that there is none, and keeps others from making it. */
export async function openMeter(ctx: WritingCtx, feature: string, policy: Policy): Promise<void> {
  const window = await firstWindow(ctx, policy);
  const balance = { used: 0, beyond: 0, over: 0, granted: policy.allowance };
  const row = { tenantId: ctx.tenant.id, feature, ...policy, ...balance, ...window };
  await ctx.tx.insert(meters).values({ ...row, carriedFrom: window.windowStartsAt });
  await writeEntry(ctx, row, { operation: "grant", reason: null, moved: 0 });
}

/**
 * Gives a meter a new policy, at once: what was used stays used, the allowance of the running window is the new one.
 * Windows with other boundaries begin now and carry everything along that counted before. Says what counted as the
 * reason of the entry; the same policy again changes nothing.
 */
export async function changeMeter(
  ctx: WritingCtx,
  feature: string,
  policy: Policy,
  reason: string,
): Promise<void> {
  await rollMeter(ctx, { tenantId: ctx.tenant.id, feature });
  const ofMeter = and(eq(meters.tenantId, ctx.tenant.id), eq(meters.feature, feature));
  const [meter] = await ctx.tx.select().from(meters).where(ofMeter);
  if (!meter || samePolicy(meter, policy)) return;
  const moved = roomForOver(meter, policy);
  const balance = {
    used: meter.used + moved,
    beyond: meter.beyond - moved,
    over: meter.over - moved,
    granted: policy.allowance,
  };
  const window = sameWindows(meter, policy)
    ? { windowStartsAt: meter.windowStartsAt, windowEndsAt: meter.windowEndsAt }
    : await movedWindow(ctx, meter, policy);
  const alerted = thresholdReached(balance.used, balance.granted);
  const row = { tenantId: ctx.tenant.id, feature, ...policy, ...balance, ...window };
  await ctx.tx
    .update(meters)
    .set({ ...row, alerted })
    .where(ofMeter);
  await writeEntry(ctx, row, { operation: "adjust", reason, moved });
}

const sameInstant = (a: Date | null, b: Date | null) => a?.getTime() === b?.getTime();

function samePolicy(meter: Meter, policy: Policy): boolean {
  return (Object.keys(policy) as (keyof Policy)[]).every((key) => {
    const [was, is] = [meter[key], policy[key]];
    return was instanceof Date || is instanceof Date
      ? sameInstant(was as Date | null, is as Date | null)
      : was === is;
  });
}

/** Whether the windows of the two lie on the same boundaries. */
function sameWindows(meter: Meter, policy: Policy): boolean {
  return (
    meter.windowUnit === policy.windowUnit &&
    sameInstant(meter.anchorAt, policy.anchorAt) &&
    (meter.windowUnit === null || meter.timeZone === policy.timeZone)
  );
}

/** The highest threshold that `used` has reached, as `gate_reached` has it. */
function thresholdReached(used: number, granted: number | null): 0 | 80 | 100 {
  if (granted === null || granted === 0) return 0;
  if (used >= granted) return 100;
  return BigInt(used) * 5n >= BigInt(granted) * 4n ? 80 : 0;
}

/** Places of a level that were let in past its limit move under a limit that has room for them: they are still held. */
function roomForOver(meter: Meter, policy: Policy): number {
  if (policy.kind !== "level") return 0;
  const room = (policy.allowance ?? Number.MAX_SAFE_INTEGER) - meter.used;
  return Math.max(0, Math.min(meter.over, room));
}

/** Asked of SQL, as every roll is, so that one set of time-zone data decides all stored windows. */
async function firstWindow(ctx: WritingCtx, policy: Policy): Promise<Window> {
  const now = ctx.now();
  if (!policy.windowUnit) return { windowStartsAt: now, windowEndsAt: null };
  const [row] = await ctx.tx.execute<{ starts_at: string; ends_at: string }>(
    sql`select * from ledger_period_at(${now.toISOString()}::timestamptz, ${policy.windowUnit}, ${iso(policy.anchorAt)}::timestamptz, ${policy.timeZone})`,
  );
  return { windowStartsAt: new Date(row!.starts_at), windowEndsAt: new Date(row!.ends_at) };
}

/** Never back in time, and never empty: a window whose end lies in the past by the new rule is over a moment from now. */
async function movedWindow(ctx: WritingCtx, meter: Meter, policy: Policy): Promise<Window> {
  const startsAtMs = Math.max(ctx.now().getTime(), meter.windowStartsAt.getTime());
  const windowStartsAt = new Date(startsAtMs);
  const [row] = await ctx.tx.execute<{ ends_at: string | null }>(
    sql`select quota_moved_end(${windowStartsAt.toISOString()}::timestamptz, ${policy.windowUnit}, ${iso(policy.anchorAt)}::timestamptz, ${policy.timeZone},
      ${iso(meter.carriedFrom)}::timestamptz, ${meter.windowUnit}, ${iso(meter.anchorAt)}::timestamptz, ${meter.timeZone}, ${iso(meter.windowEndsAt)}::timestamptz) as ends_at`,
  );
  if (!row?.ends_at) return { windowStartsAt, windowEndsAt: null };
  return { windowStartsAt, windowEndsAt: new Date(Math.max(Date.parse(row.ends_at), startsAtMs + 1)) };
}

const iso = (at: Date | null) => at?.toISOString() ?? null;

/** @param moved places of a level that count as within its limit from now on */
async function writeEntry(
  ctx: WritingCtx,
  row: Policy & Balance & Window & { feature: string },
  { operation, reason, moved }: { operation: "grant" | "adjust"; reason: string | null; moved: number },
): Promise<void> {
  const now = ctx.now();
  await ctx.tx.insert(entries).values({
    tenantId: ctx.tenant.id,
    id: newId("entry", now),
    idempotencyKey:
      operation === "grant" ? `window:${row.feature}:${row.windowStartsAt.toISOString()}` : null,
    operation,
    feature: row.feature,
    units: row.granted ?? 0,
    allowanceUnits: moved,
    beyondUnits: -moved,
    overUnits: -moved,
    usedAfter: row.used,
    grantedAfter: row.granted,
    windowStartsAt: row.windowStartsAt,
    windowEndsAt: row.windowEndsAt,
    planVersion: row.planVersion,
    reason,
    actor: actorName(ctx.actor),
    createdAt: now,
  });
}
