import { getTableName, lt, type SQL, sql, type Table } from "drizzle-orm";
import type { Ctx } from "../context";
import { inTransaction } from "../db/transaction";
import { daysLater, KEPT_COUNT_DAYS, utcDay } from "./rules";
import { trialDays, trialNetworks, trials } from "./tables";

/** Rows of one statement: a day of many visitors must not run into the statement's time-out. */
const BATCH = 5_000;

/**
 * Deletes counts of networks and days that nobody asks for any more, so that not even a hash of an address outlives
 * two days, and trials that ended with what was spent of them.
 */
export async function forgetTrials(ctx: Ctx): Promise<{ trialsForgotten: number }> {
  const now = ctx.now();
  const firstKept = utcDay(daysLater(now, 1 - KEPT_COUNT_DAYS));
  await deleteAll(ctx, trialNetworks, lt(trialNetworks.countedOn, firstKept));
  await deleteAll(ctx, trialDays, lt(trialDays.countedOn, firstKept));
  return { trialsForgotten: await deleteAll(ctx, trials, lt(trials.endsAt, now)) };
}

/** A transaction per batch: what was deleted stays so, whatever becomes of the rest. */
async function deleteAll(ctx: Ctx, table: Table, which: SQL): Promise<number> {
  const name = sql.identifier(getTableName(table));
  for (let deleted = 0; ; ) {
    const rows = await inTransaction(ctx, (tx) =>
      tx.execute(
        sql`delete from ${name} where ctid = any(array(select ctid from ${table} where ${which} limit ${BATCH})) returning 1`,
      ),
    );
    deleted += rows.length;
    if (rows.length < BATCH) return deleted;
  }
}
