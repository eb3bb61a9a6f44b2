import { TestClock } from "@tests/support/clock";
import { testDatabase } from "@tests/support/database";
import { newTenant } from "@tests/support/world";
import { afterEach, expect, test } from "vitest";
import { prices } from "@/config/plans";
import { createCtx, type TenantCtx } from "@/server/context";
import { grantCredits } from "@/server/credits/service";
import { verifyBooks } from "@/server/ledger/books";
import { consume } from "@/server/quota/consume";

const { db, owner } = await testDatabase();
const clock = new TestClock();
const ctx = createCtx(
  { db, now: clock.now, prices, stripe: undefined as never, appUrl: "http://app.test" },
  { kind: "system", reason: "test" },
);
const breached = async () => (await verifyBooks(ctx)).map((breach) => breach.invariant);

async function busyTenant(): Promise<TenantCtx> {
  const ada = await newTenant(ctx, "ada");
  await grantCredits(ada, { amount: 50, kind: "purchase", source: "payment:1" });
  await consume(ada, { feature: "compute", units: 120 });
  return ada;
}

const ada = await busyTenant();

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

test.each([
  [
    "lot: granted - draws = remaining",
    "update lots set remaining = remaining + 1",
    "update lots set remaining = remaining - 1",
  ],
  [
    "lot: one grant entry per source",
    "update entries set idempotency_key = 'x' || idempotency_key where idempotency_key like 'grant:%'",
    "update entries set idempotency_key = substr(idempotency_key, 2) where idempotency_key like 'xgrant:%'",
  ],
  [
    "meter: used = entries of its window",
    "update meters set used = used - 1 where feature = 'compute'",
    "update meters set used = used + 1 where feature = 'compute'",
  ],
  [
    "meter: its window was granted by an entry",
    "update meters set granted = granted + 5 where feature = 'channels'",
    "update meters set granted = granted - 5 where feature = 'channels'",
  ],
  [
    "entry: lots drawn = what it says",
    "update draws set units = units + 3",
    "update draws set units = units - 3",
  ],
  [
    "entry: never past the allowance",
    "update entries set granted_after = 50 where operation = 'consume'",
    "update entries set granted_after = 100 where operation = 'consume'",
  ],
  [
    "entry: units are covered",
    "update entries set units = units - 20 where operation = 'consume'",
    "update entries set units = units + 20 where operation = 'consume'",
  ],
])("a breach of «%s» is found", async (invariant, breach, repair) => {
  await tamper(breach);
  expect(await breached()).toContain(invariant);
  await tamper(repair);
  expect(ada.tenant.id).toMatch(/^ten_/);
});
