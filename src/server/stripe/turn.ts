import { and, eq, isNull, lte, or, sql } from "drizzle-orm";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { customers } from "./tables";

/** 25, 50, 75 … 200 ms: quick for the usual turn, and gentle when many wait for a long one. */
const FIRST_POLL_MS = 25;
const SLOWEST_POLL_MS = 200;
/** Together about eight seconds. */
const MAX_POLLS = 44;

/** The right to work on one tenant's customer alone, until the lease ends. */
export interface Turn {
  /** The lease's end, also its name: whoever takes over sets another one. */
  endsAt: Date;
  /** Wishes for a sync made before the turn began. */
  requested: number;
}

/**
 * Runs `work` alone for this tenant's customer, or answers null because somebody else is at it. No connection is
 * held meanwhile, and a holder that died loses its turn after 30 s; what it still writes is fenced by `ofTurn`.
 */
export async function tryTurn<T>(ctx: TenantCtx, work: (turn: Turn) => Promise<T>): Promise<T | null> {
  const turn = await claim(ctx);
  if (!turn) return null;
  try {
    return await work(turn);
  } finally {
    await inTenant(ctx, (tx) => tx.update(customers).set({ leaseEndsAt: null }).where(ofTurn(ctx, turn)));
  }
}

/** Runs `work` alone, waiting for the turn. @throws AppError BUSY after about eight seconds */
export async function inTurn(ctx: TenantCtx, work: () => Promise<void>): Promise<void> {
  await untilAnswered(() => tryTurn(ctx, () => work().then(() => true as const)));
}

/** The customer's row, as long as the turn is still ours. */
export function ofTurn(ctx: TenantCtx, turn: Turn) {
  return and(eq(customers.tenantId, ctx.tenant.id), eq(customers.leaseEndsAt, turn.endsAt));
}

/** Asks until there is an answer other than null. @throws AppError BUSY after about eight seconds */
export async function untilAnswered<T>(ask: () => Promise<T | null>): Promise<T> {
  for (let poll = 1; poll <= MAX_POLLS; poll += 1) {
    const answer = await ask();
    if (answer !== null) return answer;
    const waitMs = Math.min(poll * FIRST_POLL_MS, SLOWEST_POLL_MS);
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
  throw new AppError("BUSY", "Your billing is being updated. Please try again in a moment.");
}

/** One UPDATE: of two rivals the second waits for the first and then no longer matches. */
async function claim(ctx: TenantCtx): Promise<Turn | null> {
  const isFree = or(isNull(customers.leaseEndsAt), lte(customers.leaseEndsAt, sql`clock_timestamp()`));
  const [row] = await inTenant(ctx, (tx) =>
    tx
      .update(customers)
      .set({ leaseEndsAt: sql`clock_timestamp() + interval '30 seconds'` })
      .where(and(eq(customers.tenantId, ctx.tenant.id), isFree))
      .returning({ endsAt: customers.leaseEndsAt, requested: customers.requested }),
  );
  return row?.endsAt ? { endsAt: row.endsAt, requested: row.requested } : null;
}
