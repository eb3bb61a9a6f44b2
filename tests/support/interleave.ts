import type postgres from "postgres";
import { expect } from "vitest";
import type { TenantCtx } from "@/server/context";
import type { Tx } from "@/server/db/client";
import { inTenant } from "@/server/db/transaction";

/**
 * Runs `first` in a transaction that stays open until `second`, begun meanwhile, waits for a lock of it, and then
 * commits. Fails when `second` doesn't wait.
 */
export async function overlapping<A, B>(
  { owner }: { owner: postgres.Sql },
  of: TenantCtx,
  first: (inner: TenantCtx & { tx: Tx }) => Promise<A>,
  second: () => Promise<B>,
): Promise<[A, B]> {
  let commit = () => {};
  const held = new Promise<void>((resolve) => {
    commit = resolve;
  });
  let begun = () => {};
  const ready = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const one = inTenant(of, async (_tx, inner) => {
    const result = await first(inner);
    begun();
    await held;
    return result;
  });
  try {
    await Promise.race([ready, one]);
    const other = second();
    other.catch(() => {});
    await oneWaits(owner);
    commit();
    return await Promise.all([one, other]);
  } finally {
    commit();
  }
}

/** Until one connection of the test's database waits for a lock. */
export async function oneWaits(owner: postgres.Sql): Promise<void> {
  const waiting = async () => {
    const rows =
      await owner`select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    return rows.length;
  };
  await expect.poll(waiting, { timeout: 5_000, interval: 5 }).toBe(1);
}
