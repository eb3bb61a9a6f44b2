import { sql } from "drizzle-orm";
import { jitterMs } from "@/lib/random";
import type { Ctx, TenantCtx } from "../context";
import { AppError } from "../errors";
import type { Tx } from "./client";

const MAX_ATTEMPTS = 5;
/** serialization_failure and deadlock_detected: nothing was written, so the whole transaction may run again. */
const RETRYABLE = new Set(["40001", "40P01"]);
/** The connection was dead before the work began: a database that restarted, or a pooler that hung up. */
const LOST = new Set(["57P01", "57P02", "CONNECTION_CLOSED", "ECONNRESET", "EPIPE"]);
/** query_canceled, lock_not_available, idle and transaction time-outs, too_many_connections, connection trouble. */
const UNAVAILABLE = new Set([
  "57014",
  "55P03",
  "25P03",
  "25P04",
  "53300",
  "57P03",
  ...LOST,
  "CONNECT_TIMEOUT",
  "ECONNREFUSED",
  "CONNECTION_ENDED",
  "CONNECTION_DESTROYED",
]);

/** Text with a character that Postgres can't hold: U+0000, also inside jsonb. */
const UNSTORABLE = new Set(["22021", "22P05"]);

/**
 * Runs `work` in one transaction that sees and touches the ctx's tenant's rows only (row-level security).
 * Inside an open transaction (`ctx.tx`) it joins that one. The callback may run again after a deadlock, so it
 * must not have effects outside the database.
 * @throws AppError BUSY when no connection is free, or a statement or lock waited too long
 */
export async function inTenant<C extends TenantCtx, T>(
  ctx: C,
  work: (tx: Tx, ctx: C & { tx: Tx }) => Promise<T>,
): Promise<T> {
  if (ctx.tx) return work(ctx.tx, ctx as C & { tx: Tx });
  return inTransaction(ctx, async (tx) => {
    await setTenant(tx, ctx.tenant.id);
    return work(tx, { ...ctx, tx });
  });
}

/** A transaction on global tables only: without a tenant, row-level security hides every tenant row. */
export async function inTransaction<T>(ctx: Ctx, work: (tx: Tx) => Promise<T>): Promise<T> {
  if (ctx.tx) return work(ctx.tx);
  for (let attempt = 1; ; attempt += 1) {
    let began = false;
    try {
      return await ctx.db.orm.transaction((tx) => {
        began = true;
        return work(tx);
      });
    } catch (error) {
      const mayRepeat = isRetryable(error) || (!began && LOST.has(postgresCode(error) ?? ""));
      if (mayRepeat && attempt < MAX_ATTEMPTS) {
        await new Promise((resolve) => setTimeout(resolve, jitterMs(attempt)));
        continue;
      }
      throw asAppError(error);
    }
  }
}

/** Narrows an open transaction to one tenant. Only for creating a tenant; everything else uses {@link inTenant}. */
export async function setTenant(tx: Tx, tenantId: string): Promise<void> {
  await tx.execute(sql`select set_config('app.tenant_id', ${tenantId}, true)`);
}

/** SQLSTATE or postgres.js's own code, also when Drizzle wrapped the error; null for anything else. */
export function postgresCode(error: unknown): string | null {
  for (let current = error; current instanceof Error; current = current.cause) {
    const code = (current as { code?: unknown }).code;
    if (typeof code === "string" && !(current instanceof AppError)) return code;
  }
  return null;
}

export function isRetryable(error: unknown): boolean {
  return RETRYABLE.has(postgresCode(error) ?? "");
}

/** The name of the violated constraint, or null. */
export function violatedConstraint(error: unknown): string | null {
  for (let current = error; current instanceof Error; current = current.cause) {
    const name = (current as { constraint_name?: unknown }).constraint_name;
    if (typeof name === "string") return name;
  }
  return null;
}

/** Text that can't be kept becomes INVALID_INPUT, database trouble that passes BUSY, also what the pool's guard said beneath Drizzle; the rest stays as it is. */
export function asAppError(error: unknown): unknown {
  for (let current = error; current instanceof Error; current = current.cause)
    if (current instanceof AppError) return current;
  const code = postgresCode(error);
  if (code && UNSTORABLE.has(code))
    return new AppError("INVALID_INPUT", "Text can't hold the character U+0000.", { cause: error });
  if (!code || !UNAVAILABLE.has(code)) return error;
  return new AppError("BUSY", "The service is busy. Please try again in a moment.", {
    hint: `Database: ${code}`,
    cause: error,
  });
}
