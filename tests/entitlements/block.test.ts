import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import { setBlocked } from "@/server/entitlements/block";
import { entitleDefault } from "@/server/entitlements/entitle";
import { setOverride } from "@/server/entitlements/override";
import { consume } from "@/server/quota/consume";
import { business, meterOf, meterStatus, subscribe } from "./business";

const prices = business(
  { pages: meterOf(), seats: { kind: "level", name: "Seats" } },
  { free: { pages: 10, seats: 2 }, pro: { pages: 100, seats: 20 } },
);
const { tenant, owner } = await world({ prices });

test("a blocked tenant consumes nothing and keeps what it has, until it is let go on", async () => {
  const ada = await tenant("ada");
  await consume(ada, { feature: "pages", units: 4 });
  await setBlocked(ada, { reason: "past_due" });
  for (const feature of ["pages", "seats"])
    expect(await consume(ada, { feature })).toMatchObject({ reason: "blocked", blockedBecause: "past_due" });
  expect(await meterStatus(ada, "pages")).toMatchObject({ used: 4, blocked: true });
  await setBlocked(ada, { reason: null });
  expect(await consume(ada, { feature: "pages", units: 6 })).toMatchObject({ allowed: true, used: 10 });
});

test("no plan change, override or new meter opens what is blocked", async () => {
  const bo = await tenant("bo");
  await setBlocked(bo, { reason: "suspended" });
  await subscribe(bo, "pro");
  await setOverride(bo, { feature: "pages", limit: "unlimited", reason: "sorry" });
  const more = { ...prices, features: { ...prices.features, energy: meterOf() } };
  const plans = prices.plans.map((plan) => ({ ...plan, limits: { ...plan.limits, energy: 5 } }));
  const newer = { ...bo, prices: { ...more, plans } };
  await subscribe(newer, "pro");
  for (const feature of ["pages", "seats", "energy"])
    expect(await consume(newer, { feature })).toMatchObject({ blockedBecause: "suspended" });
  await entitleDefault(newer);
  expect(await consume(newer, { feature: "energy" })).toMatchObject({ blockedBecause: "suspended" });
  await setBlocked(newer, { reason: null });
  expect(await consume(newer, { feature: "energy" })).toMatchObject({ allowed: true });
});

test("the reason may change, every change is written down, and saying it again is not a change", async () => {
  const cleo = await tenant("cleo");
  for (const reason of ["past_due", "past_due", "suspended", null, null]) await setBlocked(cleo, { reason });
  const told =
    await owner`select action, details from audit_events where tenant_id = ${cleo.tenant.id} and action like 'tenant.%blocked' order by id`;
  expect(told.map((event) => [event.action, event.details.reason])).toEqual([
    ["tenant.blocked", "past_due"],
    ["tenant.blocked", "suspended"],
    ["tenant.unblocked", "suspended"],
  ]);
});
