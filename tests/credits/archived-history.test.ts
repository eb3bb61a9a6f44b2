import { business, meterOf } from "@tests/entitlements/business";
import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { grantCredits } from "@/server/credits/grant-credits";
import { history } from "@/server/credits/history";
import { lifetime } from "@/server/credits/lifetime";
import { statement } from "@/server/credits/statement";
import { archiveEntries } from "@/server/ledger/archive";
import { consume } from "@/server/quota/consume";
import { rollDue } from "@/server/quota/jobs";
import { refund } from "@/server/quota/refund";

const compute = meterOf({ window: "week", overflow: { to: "credits", credits: 1, perUnits: 1 } });
const { tenant, owner, ownerUrl, clock, ctx } = await world({
  prices: business({ compute }, { free: { compute: 10 } }),
});

async function left(of: TenantCtx): Promise<number> {
  const [row] = await owner`select sum(remaining) as units from lots where tenant_id = ${of.tenant.id}`;
  return Number(row!.units);
}

test("a history whose older months were archived begins with the balance they left, and older statements are gone", async () => {
  clock.set("2026-01-10T09:00:00.000Z");
  const eve = await tenant("eve");
  await owner`select ledger_add_partitions('2026-01-01'::timestamptz, 12, 0)`;
  await grantCredits(eve, { amount: 100, kind: "purchase", source: "payment:1" });
  clock.set("2026-02-10T09:00:00.000Z");
  const early = await consume(eve, { feature: "compute", units: 40 });
  clock.set("2026-03-31T09:00:00.000Z");
  await rollDue(ctx);
  clock.set("2026-04-08T09:00:00.000Z");
  await rollDue(ctx);
  await consume(eve, { feature: "compute", units: 12 });
  // Reaches into the months that go: its chain stays among the live entries, and must not count twice.
  if (early.allowed) await refund(eve, { entryId: early.entryId, key: "late", reason: "wish", units: 7 });
  const before = await history(eve, { limit: 2 });
  const openingOfApril = (await statement(eve)).opening;
  await archiveEntries({ ownerUrl, before: "2026-04", now: clock.now() });

  const after = await history(eve);
  expect(after.rows).toEqual(before.rows);
  expect(after.broughtForward).toEqual({
    at: new Date("2026-04-01T00:00:00.000Z"),
    balance: openingOfApril,
  });
  const moved = after.rows.reduce((sum, row) => sum + row.movement, 0);
  expect(openingOfApril + moved).toBe(await left(eve));
  expect(after.rows[0]!.balanceAfter).toBe(await left(eve));
  expect(await statement(eve)).toMatchObject({ opening: openingOfApril, previous: null });
  await expect(statement(eve, { month: "2026-03" })).rejects.toMatchObject({ code: "NOT_FOUND" });
  expect(await lifetime(eve)).toMatchObject({ granted: 100, remaining: await left(eve) });

  // Who came later has nothing that could have been archived, with entries or without.
  const finn = await tenant("finn");
  expect(await history(finn)).toMatchObject({ rows: [], nextCursor: null, broughtForward: null });
  await grantCredits(finn, { amount: 5, kind: "promo", source: "promo:1" });
  expect(await history(finn)).toMatchObject({ rows: [{ balanceAfter: 5 }], broughtForward: null });
  expect(await statement(finn)).toMatchObject({ opening: 0, closing: 5, previous: null });
});
