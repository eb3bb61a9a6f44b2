import { and, eq, isNull, type SQL, sql } from "drizzle-orm";
import { newId } from "@/lib/ids";
import { actorName, type Ctx, type TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { inTenant, inTransaction } from "../db/transaction";
import { AppError } from "../errors";
import { leases } from "../ledger/tables";
import { parseInput } from "../parse";
import { requireKind } from "../plans/feature-kind";
import { asking } from "./asking";
import { keyConflict } from "./consume";
import { type AcquireLeaseInput, acquireLeaseInput, type LeaseInput, leaseInput } from "./inputs";
import { type Denied, denied, NOTHING } from "./rules";

/** Features of tenants that a sweep looks at in one go. */
const PAGE = 500;

/** Something that runs and holds one of a limited number of places. */
export interface Lease {
  leaseId: string;
  feature: string;
  startedAt: Date;
  heartbeatAt: Date;
  /** Without a heartbeat until then it has ended, that instant. */
  expiresAt: Date;
  /** null while it runs. */
  endedAt: Date | null;
  endedBecause: "released" | "expired" | null;
  planVersion: string;
}

export interface Acquired extends Lease {
  allowed: true;
  /** true: this key's lease of an earlier call, perhaps ended since (`endedAt`); nothing was started now. */
  replayed: boolean;
  /** How many run now. */
  used: number;
  /** How many may; null: unlimited. */
  limit: number | null;
  remaining: number | null;
  warning: "over_limit" | null;
}

type Row = typeof leases.$inferSelect;

/**
 * Starts one of a limited number of things that run at once, or says why not. Counted under the meter's lock: a lease
 * that missed its heartbeat stops counting the instant it expires, with or without cron. Once per key.
 * @throws AppError UNKNOWN_FEATURE, INVALID_INPUT (not a lease), IDEMPOTENCY_CONFLICT, BUSY
 */
export async function acquireLease(ctx: TenantCtx, input: AcquireLeaseInput): Promise<Acquired | Denied> {
  const { feature, key, expiresInSeconds, properties, confirmed } = parseInput(acquireLeaseInput, input);
  const listed = requireKind(ctx, feature, ["lease"]);
  const defaultSeconds = listed.kind === "lease" ? listed.heartbeatSeconds : 0;
  const now = ctx.now();
  const leaseId = newId("lease", now);
  const seconds = expiresInSeconds ?? defaultSeconds;
  return inTenant(ctx, async (tx, inner) => {
    const call = sql`gate_lease(${now.toISOString()}::timestamptz, ${ctx.tenant.id}, ${feature}, ${key}, ${leaseId}, ${newId("entry", now)},
      ${seconds}::int, ${actorName(ctx.actor)}, ${properties ? JSON.stringify(properties) : null}, ${confirmed ?? false}::boolean)`;
    const answer = await asking(inner, () => askGate(tx, call));
    if (answer.status === "conflict") throw keyConflict();
    if (answer.status === "denied") return refused(ctx, feature, answer);
    return acquired(answer, await leaseOf(inner, answer.leaseId ?? ""));
  });
}

interface Answer {
  status: "started" | "replayed" | "conflict" | "denied";
  reason: string | null;
  leaseId: string | null;
  used: number;
  limit: number | null;
  planVersion: string | null;
}

async function askGate(tx: Tx, call: SQL): Promise<Answer> {
  const rows = await tx.execute<Record<string, string | null>>(
    sql`select status, reason, lease_id, running, granted, plan_version from ${call}`,
  );
  const { status, reason, lease_id, running, granted, plan_version } = rows[0]!;
  return {
    status: status as Answer["status"],
    reason: reason ?? null,
    leaseId: lease_id ?? null,
    used: Number(running),
    limit: granted ? Number(granted) : null,
    planVersion: plan_version ?? null,
  };
}

function refused(ctx: TenantCtx, feature: string, { reason, used, limit, planVersion }: Answer): Denied {
  const answer = {
    ...NOTHING,
    status: "denied" as const,
    reason,
    used,
    granted: limit,
    missing: 1,
    planVersion,
  };
  return denied(ctx.prices, { feature, units: 1 }, answer);
}

function acquired({ status, used, limit }: Answer, lease: Lease): Acquired {
  return {
    allowed: true,
    replayed: status === "replayed",
    ...lease,
    used,
    limit,
    remaining: limit === null ? null : Math.max(limit - used, 0),
    warning: limit !== null && used > limit ? "over_limit" : null,
  };
}

/**
 * Says that it still runs, which lasts as long again as it was started for. Also when the account is blocked
 * meanwhile or its plan allows fewer: what runs, runs on.
 * @throws AppError NOT_FOUND, or CONFLICT when it ended or missed its heartbeat: its place may be another's by now
 */
export async function heartbeat(ctx: TenantCtx, input: LeaseInput): Promise<Lease> {
  const { leaseId } = parseInput(leaseInput, input);
  const now = ctx.now().toISOString();
  return inTenant(ctx, async (tx, inner) => {
    const at = sql`greatest(${leases.heartbeatAt}, ${now}::timestamptz)`;
    const [beaten] = await tx
      .update(leases)
      .set({
        heartbeatAt: at,
        // In seconds, not days: a day may have 23 hours.
        expiresAt: sql`${at} + make_interval(secs => extract(epoch from ${leases.expiresAt} - ${leases.heartbeatAt}))`,
      })
      // The race with its end: whoever ends it, and whoever starts another in its place, ends it in the row first.
      .where(
        and(ofLease(ctx, leaseId), isNull(leases.endedAt), sql`${leases.expiresAt} > ${now}::timestamptz`),
      )
      .returning();
    if (beaten) return shown(beaten);
    await leaseOf(inner, leaseId);
    throw new AppError("CONFLICT", "This lease has ended.", {
      hint: "It was released or missed its heartbeat: stop the work, or acquire a new lease with a new key.",
    });
  });
}

/**
 * Ends it and frees its place. Again, or after it expired, it says how it ended.
 * @throws AppError NOT_FOUND
 */
export async function releaseLease(ctx: TenantCtx, input: LeaseInput): Promise<Lease> {
  const { leaseId } = parseInput(leaseInput, input);
  const now = ctx.now().toISOString();
  const expired = sql`${leases.expiresAt} <= ${now}::timestamptz`;
  return inTenant(ctx, async (tx, inner) => {
    const [ended] = await tx
      .update(leases)
      .set({
        endedAt: sql`case when ${expired} then ${leases.expiresAt} else greatest(${leases.startedAt}, ${now}::timestamptz) end`,
        endedBecause: sql`case when ${expired} then 'expired' else 'released' end`,
      })
      .where(and(ofLease(ctx, leaseId), isNull(leases.endedAt)))
      .returning();
    return ended ? shown(ended) : leaseOf(inner, leaseId);
  });
}

const ofLease = ({ tenant }: TenantCtx, leaseId: string) =>
  and(eq(leases.tenantId, tenant.id), eq(leases.id, leaseId));

/** @throws AppError NOT_FOUND */
async function leaseOf(ctx: TenantCtx & { tx: Tx }, leaseId: string): Promise<Lease> {
  const [row] = await ctx.tx.select().from(leases).where(ofLease(ctx, leaseId));
  if (!row) throw new AppError("NOT_FOUND", "There is no such lease.");
  return shown(row);
}

function shown(row: Row): Lease {
  const { id, feature, startedAt, heartbeatAt, expiresAt, endedAt, endedBecause, planVersion } = row;
  return { leaseId: id, feature, startedAt, heartbeatAt, expiresAt, endedAt, endedBecause, planVersion };
}

interface Place {
  tenantId: string;
  feature: string;
}

/**
 * Cron `reset`: writes down the end of leases that missed their heartbeat. They count for nothing from that instant
 * anyway, so this is housekeeping: safe late, twice, by two runners at once, or never.
 */
export async function sweepLeases(ctx: Ctx): Promise<{ leasesEnded: number }> {
  let leasesEnded = 0;
  let after: Place = { tenantId: "", feature: "" };
  for (;;) {
    const due = await leasesDue(ctx, after);
    for (const { tenantId, feature } of due) {
      const rows = await inTransaction(ctx, (tx) =>
        tx.execute<{ ended: number }>(
          sql`select gate_sweep_leases(${ctx.now().toISOString()}::timestamptz, ${tenantId}, ${feature}) as ended`,
        ),
      );
      leasesEnded += Number(rows[0]?.ended ?? 0);
      after = { tenantId, feature };
    }
    if (due.length < PAGE) return { leasesEnded };
  }
}

async function leasesDue(ctx: Ctx, after: Place): Promise<Place[]> {
  const rows = await inTransaction(ctx, (tx) =>
    tx.execute<{ tenant_id: string; feature: string }>(
      sql`select tenant_id, feature from gate_leases_due(${ctx.now().toISOString()}::timestamptz, ${after.tenantId}, ${after.feature}, ${PAGE})`,
    ),
  );
  return rows.map((row) => ({ tenantId: row.tenant_id, feature: row.feature }));
}
