import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { setSpendCap } from "@/server/entitlements/spend-cap";
import { consume } from "@/server/quota/consume";
import { business, meterOf, meterStatus, subscribe } from "./business";

/** 3 cents for every 10 units begun, up to $1 unless the tenant says otherwise. */
const overage = { to: "overage", minorUnits: 3, perUnits: 10, defaultCapMinor: 100 } as const;
const prices = business(
  {
    hours: meterOf({ window: "month", align: "calendar", overflow: overage }),
    open: meterOf({
      window: "month",
      align: "calendar",
      overflow: { to: "overage", minorUnits: 1, perUnits: 1 },
    }),
    pages: meterOf(),
  },
  {
    free: { hours: 100, open: 0, pages: 10 },
    pro: { hours: 1_000, open: 10, pages: 100 },
  },
);
const { tenant, owner, clock } = await world({ prices });

const row = async (ctx: TenantCtx, feature = "hours") =>
  (await owner`select * from meters where tenant_id = ${ctx.tenant.id} and feature = ${feature}`)[0]!;
const take = (ctx: TenantCtx, units: number) => consume(ctx, { feature: "hours", units });

test("overage goes on to the cap and never a cent past it, whatever the size of the calls", async () => {
  const ada = await tenant("ada");
  await take(ada, 100);
  // floor(100 / 3 × 10) = 333 units cost ceil(99.9) = 100 cents; one more would cost 101.
  expect(await take(ada, 334)).toMatchObject({ allowed: false, reason: "spend_cap", missing: 1 });
  expect(await take(ada, 300)).toMatchObject({ allowed: true, overUnits: 300, warning: null });
  let units = 0;
  while ((await take(ada, 1)).allowed) units += 1;
  expect(units).toBe(33);
  expect(await row(ada)).toMatchObject({ used: "100", beyond: "333", over: "333" });
});

test("many calls at once never pass the cap together", async () => {
  const bo = await tenant("bo");
  await take(bo, 100);
  const receipts = await Promise.all(Array.from({ length: 60 }, () => take(bo, 10)));
  expect(receipts.filter((receipt) => receipt.allowed)).toHaveLength(33);
});

test("the tenant raises, lowers and lifts its cap, and every change is written down", async () => {
  const cleo = await tenant("cleo");
  await take(cleo, 433);
  await setSpendCap(cleo, { feature: "hours", capMinor: 103 });
  expect(await take(cleo, 10)).toMatchObject({ allowed: true });
  expect(await take(cleo, 1)).toMatchObject({ reason: "spend_cap" });
  await setSpendCap(cleo, { feature: "hours", capMinor: 5 });
  expect(await take(cleo, 1)).toMatchObject({ reason: "spend_cap" });
  await setSpendCap(cleo, { feature: "hours", capMinor: null });
  await setSpendCap(cleo, { feature: "hours", capMinor: null });
  expect(await take(cleo, 5_000)).toMatchObject({ allowed: true });
  const told =
    await owner`select details from audit_events where tenant_id = ${cleo.tenant.id} and action = 'spend_cap.set' order by id`;
  expect(told.map((event) => event.details)).toEqual([
    { feature: "hours", fromMinor: 100, toMinor: 103 },
    { feature: "hours", fromMinor: 103, toMinor: 5 },
    { feature: "hours", fromMinor: 5, toMinor: null },
  ]);
});

test("a cap of nothing makes overage a plain limit", async () => {
  const dan = await tenant("dan");
  await setSpendCap(dan, { feature: "hours", capMinor: 0 });
  expect(await take(dan, 100)).toMatchObject({ allowed: true });
  expect(await take(dan, 1)).toMatchObject({ allowed: false, reason: "spend_cap" });
});

test("the tenant's own cap, and having none, survive every plan change; what was spent counts on", async () => {
  const ada = await tenant("ada");
  await setSpendCap(ada, { feature: "hours", capMinor: 30 });
  await setSpendCap(ada, { feature: "open", capMinor: null });
  await take(ada, 200);
  await subscribe(ada, "pro");
  expect(await row(ada)).toMatchObject({ spend_cap_minor: "30", over: "100" });
  await take(ada, 900);
  expect(await take(ada, 1)).toMatchObject({ reason: "spend_cap" });
  await subscribe(ada, "free");
  expect(await row(ada)).toMatchObject({ spend_cap_minor: "30" });
  expect((await row(ada, "open")).spend_cap_minor).toBeNull();
  clock.advance({ days: 31 });
  expect(await take(ada, 200)).toMatchObject({ allowed: true, overUnits: 100 });
});

test("where overage begins only with a later version, the list's default cap stands in", async () => {
  const bo = await tenant("bo");
  expect((await row(bo, "pages")).spend_cap_minor).toBeNull();
  const paged = { ...prices, features: { ...prices.features, pages: meterOf({ overflow: overage }) } };
  await subscribe({ ...bo, prices: paged }, "pro");
  expect(await row(bo, "pages")).toMatchObject({ overflow: "overage", spend_cap_minor: "100" });
  expect(await meterStatus(bo, "pages")).toMatchObject({ rule: { spendCapMinor: 100 } });
});

test("a cap on something that is never billed is refused", async () => {
  const cleo = await tenant("cleo");
  await expect(setSpendCap(cleo, { feature: "pages", capMinor: 5 })).rejects.toMatchObject({
    code: "INVALID_INPUT",
  });
  for (const capMinor of [-1, 0.5, Number.NaN, 2 ** 53])
    await expect(setSpendCap(cleo, { feature: "hours", capMinor })).rejects.toMatchObject({
      code: "INVALID_INPUT",
    });
  await expect(setSpendCap(cleo, { feature: "ghost", capMinor: 5 })).rejects.toMatchObject({
    code: "UNKNOWN_FEATURE",
  });
});
