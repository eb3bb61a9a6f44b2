import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import { block, unblock } from "@/server/entitlements/block";
import { entitleDefault } from "@/server/entitlements/entitle";
import { setOverride } from "@/server/entitlements/override";
import { consume } from "@/server/quota/consume";
import { business, meterOf, meterStatus, subscribe } from "./business";

const prices = business(
  { pages: meterOf(), seats: { kind: "level", name: "Seats" } },
  { free: { pages: 10, seats: 2 }, pro: { pages: 100, seats: 20 } },
);
const { tenant, owner, clock } = await world({ prices });

test("a blocked tenant consumes nothing and keeps what it has, until it is let go on", async () => {
  const ada = await tenant("ada");
  await consume(ada, { feature: "pages", units: 4 });
  await block(ada, { reason: "past_due" });
  for (const feature of ["pages", "seats"])
    expect(await consume(ada, { feature })).toMatchObject({ reason: "blocked", blockedBecause: "past_due" });
  expect(await meterStatus(ada, "pages")).toMatchObject({ used: 4, blocked: true });
  await unblock(ada, { reason: "past_due" });
  expect(await consume(ada, { feature: "pages", units: 6 })).toMatchObject({ allowed: true, used: 10 });
});

test("no plan change, override or new meter opens what is blocked", async () => {
  const bo = await tenant("bo");
  await block(bo, { reason: "suspended" });
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
  await unblock(newer, { reason: "suspended" });
  expect(await consume(newer, { feature: "energy" })).toMatchObject({ allowed: true });
});

test("with several reasons the earliest is told, and the tenant goes on when the last is gone", async () => {
  const cleo = await tenant("cleo");
  const blockedBecause = async () => {
    const receipt = await consume(cleo, { feature: "pages" });
    return receipt.allowed ? null : receipt.blockedBecause;
  };
  await block(cleo, { reason: "past_due" });
  clock.advance({ minutes: 1 });
  await block(cleo, { reason: "debt" });
  expect(await blockedBecause()).toBe("past_due");
  await unblock(cleo, { reason: "past_due" });
  expect(await blockedBecause()).toBe("debt");
  await unblock(cleo, { reason: "debt" });
  expect(await blockedBecause()).toBe(null);
});

test("every change is written down, and saying it again is not a change", async () => {
  const dan = await tenant("dan");
  for (const change of [block, block, unblock, unblock]) await change(dan, { reason: "past_due" });
  await block(dan, { reason: "suspended" });
  const told =
    await owner`select action, details from audit_events where tenant_id = ${dan.tenant.id} and action like 'tenant.%blocked' order by id`;
  expect(told.map((event) => [event.action, event.details.reason])).toEqual([
    ["tenant.blocked", "past_due"],
    ["tenant.unblocked", "past_due"],
    ["tenant.blocked", "suspended"],
  ]);
});

test("blocked and unblocked by 20 at once, the meters say what the reasons say", async () => {
  const eve = await tenant("eve");
  const reasons = ["past_due", "debt", "suspended"];
  await Promise.all(
    Array.from({ length: 20 }, (_, n) => (n % 2 ? block : unblock)(eve, { reason: reasons[n % 3]! })),
  );
  for (const reason of reasons) await unblock(eve, { reason });
  expect(await consume(eve, { feature: "pages" })).toMatchObject({ allowed: true });
});
