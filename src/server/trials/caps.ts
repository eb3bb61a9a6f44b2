import { createHmac } from "node:crypto";
import { sql } from "drizzle-orm";
import type { Ctx } from "../context";
import type { Tx } from "../db/client";
import { AppError } from "../errors";
import { networkCaps, SHARES, utcDay } from "./rules";
import { trialDays, trialNetworks } from "./tables";

interface Caps {
  /** Of one IPv4 address or /64; a /56 has four times as many, a /48 sixteen times. */
  perNetworkPerDay: number;
  /** Of everybody together. */
  perDay: number;
}

/**
 * Counts one trial in each of its networks and in the day, all or none: what throws here rolls all of it back.
 * @throws AppError RATE_LIMITED
 */
export async function countWithinCaps(ctx: Ctx & { tx: Tx }, networks: string[], caps: Caps): Promise<void> {
  const day = utcDay(ctx.now());
  for (const { network, cap } of networkCaps(networks, caps.perNetworkPerDay))
    if (!(await countNetwork(ctx.tx, { day, network: hashed(ctx, day, network), cap })))
      throw refused("No more trials can be started from your network today.");
  const counted =
    (await countDay(ctx.tx, day, caps.perDay, sql`limit 1 for update skip locked`)) ||
    (await countDayPatiently(ctx.tx, day, caps.perDay));
  if (!counted) throw refused("All of today's trials are taken.");
}

/** The cap stands in the statement that counts, so trials begun at the same moment never pass it. */
async function countNetwork(tx: Tx, of: { day: string; network: string; cap: number }): Promise<boolean> {
  const counted = await tx
    .insert(trialNetworks)
    .values({ countedOn: of.day, network: of.network, begun: 1 })
    .onConflictDoUpdate({
      target: [trialNetworks.countedOn, trialNetworks.network],
      set: { begun: sql`${trialNetworks.begun} + 1` },
      setWhere: sql`${trialNetworks.begun} < ${of.cap}::bigint`,
    })
    .returning({ begun: trialNetworks.begun });
  return counted.length === 1;
}

/**
 * Takes one from a share of the day that has some left. Each share has its own part of the ceiling, and the parts add
 * up to it: it is never passed, and whoever finds a share in use takes from the next.
 */
async function countDay(
  tx: Tx,
  day: string,
  perDay: number,
  locking: ReturnType<typeof sql>,
): Promise<boolean> {
  const part = sql`${Math.floor(perDay / SHARES)}::bigint + (share < ${perDay % SHARES}::int)::int`;
  const counted = await tx.execute(sql`
    with free as (
      select share from trial_days where counted_on = ${day}::date and begun < ${part} order by share ${locking}
    )
    update trial_days set begun = begun + 1
    where counted_on = ${day}::date and share = (select min(share) from free)
    returning share`);
  return counted.length === 1;
}

/** The day's first visitor finds no shares, and near the ceiling those left are in use: now it waits its turn. */
async function countDayPatiently(tx: Tx, day: string, perDay: number): Promise<boolean> {
  const shares = Array.from({ length: SHARES }, (_, share) => ({ countedOn: day, share, begun: 0 }));
  await tx.insert(trialDays).values(shares).onConflictDoNothing();
  return countDay(tx, day, perDay, sql`for update`);
}

/** The key is another one every day: without the secret, nobody can tell that two days had the same visitor. */
function hashed(ctx: Ctx, day: string, network: string): string {
  return createHmac("sha256", ctx.keyFor(`trial-networks:${day}`))
    .update(network)
    .digest("base64url");
}

function refused(message: string): AppError {
  return new AppError("RATE_LIMITED", message, { advice: "Sign up for free, or come back tomorrow." });
}
