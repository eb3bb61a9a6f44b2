import { business, meterOf, meterStatus, subscribe } from "@tests/entitlements/business";
import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { consume } from "@/server/quota/consume";
import { rollDue } from "@/server/quota/jobs";

const month = { window: "month", align: "calendar" } as const;
const prices = business(
  {
    kept: meterOf({ ...month, rollover: { maxUnits: 150, windows: 2 } }),
    lost: meterOf(month),
  },
  { free: { kept: 100, lost: 100 }, pro: { kept: 1_000, lost: 1_000 } },
);
const { tenant, owner, clock, ctx } = await world({ prices });

const take = (of: TenantCtx, units: number, feature = "kept") => consume(of, { feature, units });
const lots = async (of: TenantCtx) =>
  (
    await owner`select kind, source, granted, remaining, expires_at from lots where tenant_id = ${of.tenant.id} and unit = 'kept' order by id`
  ).map((lot) => ({
    ...lot,
    granted: Number(lot.granted),
    remaining: Number(lot.remaining),
    expires_at: lot.expires_at.toISOString(),
  }));
const forfeited = async (of: TenantCtx) =>
  (
    await owner`select units, lot_units from entries where tenant_id = ${of.tenant.id} and feature = 'kept' and operation = 'forfeit' order by id`
  ).map((entry) => [Number(entry.units), -Number(entry.lot_units)]);

test("what is left is kept for its windows and spent after the new allowance, the rest is forfeited", async () => {
  clock.set("2026-01-10T00:00:00.000Z");
  const ada = await tenant("ada");
  await take(ada, 30);
  await take(ada, 30, "lost");
  clock.set("2026-02-10T00:00:00.000Z");
  expect(await take(ada, 100)).toMatchObject({ allowed: true, drawn: { allowance: 100, lots: [] } });
  expect(await take(ada, 60)).toMatchObject({ allowed: true, drawn: { allowance: 0 } });
  expect(await lots(ada)).toMatchObject([
    {
      kind: "rollover",
      source: "rollover:kept:2026-01-01T00:00:00.000Z",
      granted: 70,
      remaining: 10,
      expires_at: "2026-04-01T00:00:00.000Z",
    },
  ]);
  expect(await take(ada, 101, "lost")).toMatchObject({ allowed: false });
});

test("a kept unit is gone the instant it expires, with or without cron", async () => {
  clock.set("2026-01-10T00:00:00.000Z");
  const bo = await tenant("bo");
  clock.set("2026-02-01T00:00:00.000Z");
  await take(bo, 100);
  clock.set("2026-03-31T23:59:59.000Z");
  await take(bo, 100);
  expect((await meterStatus(bo, "kept")).extra).toBe(100);
  clock.set("2026-04-01T00:00:00.000Z");
  expect(await take(bo, 101)).toMatchObject({ allowed: false, missing: 1 });
});

test("never more is kept than the ceiling, lots of earlier windows included", async () => {
  clock.set("2026-01-10T00:00:00.000Z");
  const cleo = await tenant("cleo");
  clock.set("2026-02-10T00:00:00.000Z");
  await take(cleo, 20);
  clock.set("2026-03-10T00:00:00.000Z");
  await take(cleo, 1);
  // 100 of January and 80 of February would be 180: 50 of February are kept, 30 forfeited.
  expect((await lots(cleo)).map((lot) => lot.granted)).toEqual([100, 50]);
  expect(await forfeited(cleo)).toEqual([
    [0, 100],
    [30, 50],
  ]);
});

test("idle for many windows: one refill, and of what was left only what would still be good", async () => {
  clock.set("2026-01-10T00:00:00.000Z");
  const dan = await tenant("dan");
  clock.set("2026-03-10T00:00:00.000Z");
  expect(await take(dan, 200)).toMatchObject({ allowed: true, drawn: { allowance: 100 } });
  clock.set("2026-12-10T00:00:00.000Z");
  expect(await take(dan, 101)).toMatchObject({ allowed: false });
  expect(await lots(dan)).toHaveLength(1);
});

test("cron, twice at once and late, and a burst of calls at the boundary keep it once", async () => {
  clock.set("2026-01-10T00:00:00.000Z");
  const ada = await tenant("ada-two");
  clock.set("2026-02-01T00:00:00.000Z");
  const [receipts] = await Promise.all([
    Promise.all(Array.from({ length: 30 }, () => take(ada, 7))),
    rollDue(ctx),
    rollDue(ctx),
  ]);
  expect(receipts.filter((receipt) => receipt.allowed)).toHaveLength(28);
  expect(await lots(ada)).toMatchObject([{ granted: 100, remaining: 4 }]);
});

test("an upgrade on the last day keeps no more than the ceiling, and a downgrade takes nothing kept away", async () => {
  clock.set("2026-01-31T23:00:00.000Z");
  const bo = await tenant("bo-two");
  await subscribe(bo, "pro");
  clock.set("2026-02-01T00:00:00.000Z");
  expect(await meterStatus(bo, "kept")).toMatchObject({ limit: 1_000 });
  await subscribe(bo, "free");
  expect(await lots(bo)).toMatchObject([{ granted: 150 }]);
  expect(await take(bo, 251)).toMatchObject({ allowed: false });
  expect(await take(bo, 250)).toMatchObject({ allowed: true });
});
