import { TestClock } from "@tests/support/clock";
import { testDatabase } from "@tests/support/database";
import { newTenant } from "@tests/support/world";
import { afterEach, expect, test } from "vitest";
import { prices } from "@/config/plans";
import { createCtx, type TenantCtx } from "@/server/context";
import { grantCredits } from "@/server/credits/grant-credits";
import { verifyBooks } from "@/server/ledger/books";
import { commit } from "@/server/quota/commit";
import { consume } from "@/server/quota/consume";
import { refund } from "@/server/quota/refund";
import { type Reserved, reserve } from "@/server/quota/reserve";

const { db, owner } = await testDatabase();
const clock = new TestClock();
const ctx = createCtx(
  {
    db,
    now: clock.now,
    prices,
    stripe: undefined as never,
    appUrl: "http://app.test",
    keyFor: undefined as never,
    clientAddressHeader: null,
  },
  { kind: "system", reason: "test" },
);
const breached = async () => (await verifyBooks(ctx)).map((breach) => breach.invariant);

/** Draws on everything there is: allowance, credits, a hold that was settled, a refund, a hold that is open, a forfeit. */
async function busyTenant(): Promise<TenantCtx> {
  const ada = await newTenant(ctx, "ada");
  await consume(ada, { feature: "compute", units: 30 });
  clock.advance({ days: 7 });
  await grantCredits(ada, { amount: 50, kind: "purchase", source: "payment:1" });
  await consume(ada, { feature: "compute", units: 90, key: "big" });
  const held = (await reserve(ada, { feature: "compute", units: 30 })) as Reserved;
  await commit(ada, { holdId: held.holdId, units: 25 });
  await refund(ada, { entryId: held.holdId, units: 5, key: "sorry", reason: "it failed" });
  await reserve(ada, { feature: "compute", units: 1 });
  return ada;
}

await busyTenant();

/** As the superuser, with every guard switched off: what a bug, a restore or a curious hand might do. */
async function tamper(statement: string): Promise<void> {
  await owner.begin(async (tx) => {
    await tx`set local session_replication_role = replica`;
    await tx.unsafe(statement);
  });
}

afterEach(async () => {
  expect(await breached()).toEqual([]);
});

test("books that were kept by the gate balance", async () => {
  expect(await breached()).toEqual([]);
});

/** A breach, and what mends it again. */
const flip = (table: string, column: string, where: string): [string, string] => [
  `update ${table} set ${column} = ${column} + 1 where ${where}`,
  `update ${table} set ${column} = ${column} - 1 where ${where}`,
];

test.each([
  ["lot: granted - draws = remaining", ...flip("lots", "remaining", "kind = 'purchase'")],
  [
    "lot: what is drawn exists",
    "update entries set lot_ids = array['lot_0'] where operation = 'refund'",
    "update entries set lot_ids = array[(select id from lots)] where operation = 'refund'",
  ],
  [
    "lot: one grant entry per source",
    "update entries set idempotency_key = 'x' || idempotency_key where idempotency_key like 'grant:%'",
    "update entries set idempotency_key = substr(idempotency_key, 2) where idempotency_key like 'xgrant:%'",
  ],
  [
    "meter: used, beyond and over = entries since it was last opened",
    ...flip("meters", "used", "feature = 'compute'"),
  ],
  ["meter: its window was granted by an entry", ...flip("meters", "granted", "feature = 'channels'")],
  [
    "window: granted once",
    "insert into entries (tenant_id, id, operation, feature, units, granted_after, window_starts_at, actor, created_at) select tenant_id, 'ent_x' || id, operation, feature, units, granted_after, window_starts_at, actor, created_at from entries where operation = 'grant' and feature = 'channels'",
    "delete from entries where id like 'ent_x%'",
  ],
  [
    "window: what was left is kept or forfeited, once",
    ...flip("entries", "units", "operation = 'forfeit' and feature = 'compute'"),
  ],
  ["entry: lots drawn = what it says", ...flip("entries", "credits", "operation = 'hold' and credits > 0")],
  [
    "entry: never past the allowance",
    "update entries set granted_after = granted_after - 50 where operation = 'consume' and idempotency_key = 'key:big'",
    "update entries set granted_after = granted_after + 50 where operation = 'consume' and idempotency_key = 'key:big'",
  ],
  ["entry: units are covered", ...flip("entries", "units", "operation = 'consume'")],
  [
    "key: one effect",
    "update idempotency_keys set key = 'key:other' where key = 'key:big'",
    "update idempotency_keys set key = 'key:big' where key = 'key:other'",
  ],
  [
    "key: claimed by its entry",
    "update idempotency_keys set entry_id = 'ent_0' where key = 'key:big'",
    "update idempotency_keys set entry_id = (select id from entries where idempotency_key = 'key:big') where key = 'key:big'",
  ],
  [
    "chain: never gives back more than it drew",
    "update entries set credits = credits - 40 where operation = 'refund'",
    "update entries set credits = credits + 40 where operation = 'refund'",
  ],
  [
    "chain: gives back to the lots it drew",
    "update entries set lot_draws = array[-40] where operation = 'refund'",
    "update entries set lot_draws = array[-5] where operation = 'refund'",
  ],
  [
    "chain: never refunds more than was charged",
    "update entries set units = units + 40 where operation = 'refund'",
    "update entries set units = units - 40 where operation = 'refund'",
  ],
  [
    "chain: still draws what was charged and not refunded, or is held",
    ...flip("entries", "units", "operation = 'commit'"),
  ],
  [
    "hold: settled by one entry, open by none",
    "update holds set status = 'released' where status = 'committed'",
    "update holds set status = 'committed' where status = 'released'",
  ],
  ["hold: has its entry", ...flip("holds", "units", "status = 'open'")],
  [
    "hold: not open long past its expiry",
    "update holds set expires_at = expires_at - interval '1 day' where status = 'open'",
    "update holds set expires_at = expires_at + interval '1 day' where status = 'open'",
  ],
])("a breach of «%s» is found", async (invariant, breach, repair) => {
  await tamper(breach);
  expect(await breached()).toContain(invariant);
  await tamper(repair);
});
