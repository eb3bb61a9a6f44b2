import { creditBusiness } from "@tests/support/credits";
import { world } from "@tests/support/world";
import { afterEach, expect, test } from "vitest";
import { balance } from "@/server/credits/balance";
import { grantCredits } from "@/server/credits/grant-credits";
import { block } from "@/server/entitlements/block";
import { verifyBooks } from "@/server/ledger/books";
import { takeBackTo } from "@/server/ledger/take-back";
import { consume } from "@/server/quota/consume";

const { tenant, ctx, clock, owner } = await world({
  prices: creditBusiness({ free: { credits: 5, every: "day" } }),
});
const breached = async () => (await verifyBooks(ctx)).map((breach) => breach.invariant);

/** Refilled twice, bought thrice, spent, taken back, owed and partly repaid, expired, blocked. */
async function busyTenant() {
  const ada = await tenant("ada");
  const expiresAt = new Date(clock.now().getTime() + 3_600_000);
  await grantCredits(ada, { amount: 40, kind: "promo", source: "gift", expiresAt });
  clock.advance({ days: 1 });
  await balance(ada);
  await grantCredits(ada, { amount: 100, kind: "purchase", source: "order:1" });
  await consume(ada, { feature: "pages", units: 75 });
  await takeBackTo(ada, { source: "order:1", target: 90, reason: "refund" });
  await grantCredits(ada, { amount: 20, kind: "purchase", source: "order:2" });
  await block(ada, { reason: "debt" });
  clock.advance({ minutes: 1 });
  await block(ada, { reason: "past_due" });
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

test("books of lots, debts and refills that were kept by the engine balance", async () => {
  expect(await breached()).toEqual([]);
});

/** A breach, and what mends it again. */
const flip = (table: string, column: string, where: string, by = 1): [string, string] => [
  `update ${table} set ${column} = ${column} + ${by} where ${where}`,
  `update ${table} set ${column} = ${column} - ${by} where ${where}`,
];

test.each([
  [
    "lot: taken back, written off and repaid = its entries",
    ...flip("lots", "taken_back", "source = 'order:1'"),
  ],
  [
    "lot: taken back, written off and repaid = its entries",
    ...flip("lots", "written_off", "source = 'gift'"),
  ],
  ["lot: taken back, written off and repaid = its entries", ...flip("lots", "repaid", "source = 'order:2'")],
  ["lot: what was not used is of what it granted", ...flip("lots", "written_off", "source = 'order:1'", 90)],
  [
    "lot: written off only when it expired",
    "update lots set expires_at = expires_at + interval '2 days' where source = 'gift'",
    "update lots set expires_at = expires_at - interval '2 days' where source = 'gift'",
  ],
  ["entry: lots moved = what it says", ...flip("entries", "credits", "operation = 'repay'")],
  ["debt: its amount = what was taken back and is owed", ...flip("debts", "amount", "true")],
  [
    "debt: amount - repayments = outstanding",
    "update debts set outstanding = outstanding - 1",
    "update debts set outstanding = outstanding + 1",
  ],
  ["debt: not more than was used of its lot", ...flip("debts", "amount", "true", 60)],
  [
    "debt: its lot has nothing to spend",
    "update lots set remaining = 1, closed_at = null where source = 'order:1'",
    "update lots set remaining = 0, closed_at = created_at where source = 'order:1'",
  ],
  [
    "refill: a period is given once",
    "update lots set starts_at = starts_at - interval '1 hour' where source like 'refill:2%'",
    "update lots set starts_at = starts_at + interval '1 hour' where source like 'refill:2%'",
  ],
  [
    "refill: its lot is its period's",
    "update replenishments set period_ends_at = period_ends_at - interval '1 hour'",
    "update replenishments set period_ends_at = period_ends_at + interval '1 hour'",
  ],
  [
    "refill: meters that spend credits know when it is due",
    "update meters set refill_at = refill_at + interval '1 hour' where feature = 'pages'",
    "update meters set refill_at = refill_at - interval '1 hour' where feature = 'pages'",
  ],
  [
    "meter: blocked for the earliest reason there is",
    "update meters set blocked_reason = 'past_due'",
    "update meters set blocked_reason = 'debt'",
  ],
])("a breach of «%s» is found", async (invariant, breach, repair) => {
  await tamper(breach);
  expect(await breached()).toContain(invariant);
  await tamper(repair);
});
