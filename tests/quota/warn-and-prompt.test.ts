import { business, meterOf, meterStatus } from "@tests/entitlements/business";
import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { check } from "@/server/quota/check";
import { consume } from "@/server/quota/consume";
import { release } from "@/server/quota/release";

const month = { window: "month", align: "calendar" } as const;
const credits = { to: "credits", credits: 1, perUnits: 1 } as const;
const limits = {
  warned: 10,
  asked: 10,
  paid: 10,
  absent: 0,
  seats: 2,
  rooms: 2,
  upload_mb: 10,
  stream_min: 10,
  wide_mb: 0,
};
const prices = business(
  {
    warned: meterOf({ ...month, onLimit: "warn" }),
    asked: meterOf({ ...month, onLimit: "prompt" }),
    paid: meterOf({ ...month, overflow: credits, onLimit: "warn" }),
    absent: meterOf({ ...month, onLimit: "warn" }),
    seats: { kind: "level", name: "Seats", onLimit: "warn" },
    rooms: { kind: "level", name: "Rooms", onLimit: "prompt" },
    upload_mb: { kind: "cap", name: "Upload", onLimit: "warn" },
    stream_min: { kind: "cap", name: "Stream", onLimit: "prompt" },
    wide_mb: { kind: "cap", name: "Wide", onLimit: "warn" },
  },
  { free: limits },
);
const { tenant, clock } = await world({ prices });

const take = (ctx: TenantCtx, feature: string, units: number, confirmed?: boolean) =>
  consume(ctx, { feature, units, confirmed });

test("a limit that warns lets a call pass and says so, within it and past it", async () => {
  const ada = await tenant("ada");
  expect(await take(ada, "warned", 8)).toMatchObject({ allowed: true, warning: null, overUnits: 0 });
  expect(await take(ada, "warned", 5)).toMatchObject({
    allowed: true,
    warning: "over_limit",
    overUnits: 3,
    used: 10,
    remaining: 0,
  });
  expect(await take(ada, "warned", 40)).toMatchObject({ allowed: true, overUnits: 40 });
  expect(await check(ada, { feature: "warned" })).toMatchObject({ allowed: true, warning: "over_limit" });
  clock.advance({ days: 31 });
  expect(await meterStatus(ada, "warned")).toMatchObject({ used: 0, over: 0, remaining: 10 });
});

test("a limit that asks first writes nothing until somebody agreed", async () => {
  const bo = await tenant("bo");
  await take(bo, "asked", 9);
  expect(await take(bo, "asked", 5)).toMatchObject({ allowed: false, reason: "confirm", missing: 4 });
  expect(await check(bo, { feature: "asked", units: 5 })).toMatchObject({ reason: "confirm" });
  expect(await meterStatus(bo, "asked")).toMatchObject({ used: 9, over: 0 });
  expect(await check(bo, { feature: "asked", units: 5, confirmed: true })).toMatchObject({ allowed: true });
  expect(await take(bo, "asked", 5, true)).toMatchObject({ allowed: true, overUnits: 4 });
  expect(await take(bo, "asked", 1)).toMatchObject({ allowed: false, reason: "confirm" });
});

test("agreeing beforehand changes nothing while there is enough", async () => {
  const cleo = await tenant("cleo");
  expect(await take(cleo, "asked", 10, true)).toMatchObject({ allowed: true, warning: null, overUnits: 0 });
});

test("what can be paid is paid before anything is waved through", async () => {
  const dan = await tenant("dan");
  expect(await take(dan, "paid", 15)).toMatchObject({ allowed: true, overUnits: 5, warning: "over_limit" });
});

test("no warning opens what the plan doesn't have", async () => {
  const ada = await tenant("ada");
  expect(await take(ada, "absent", 1, true)).toMatchObject({ allowed: false });
  expect(await check(ada, { feature: "wide_mb", units: 1, confirmed: true })).toMatchObject({
    allowed: false,
    reason: "not_in_plan",
  });
});

test("levels warn and ask too, and what is given back was past the limit first", async () => {
  const bo = await tenant("bo");
  for (let seat = 0; seat < 2; seat += 1) expect((await take(bo, "seats", 1)).allowed).toBe(true);
  expect(await take(bo, "seats", 1)).toMatchObject({ allowed: true, warning: "over_limit" });
  await release(bo, { feature: "seats", key: "leaves" });
  expect(await meterStatus(bo, "seats")).toMatchObject({ used: 2, over: 0 });
  await take(bo, "rooms", 2);
  expect(await take(bo, "rooms", 1)).toMatchObject({ allowed: false, reason: "confirm" });
  expect(await take(bo, "rooms", 1, true)).toMatchObject({ allowed: true, overUnits: 1 });
});

test("caps warn and ask by the same words", async () => {
  const cleo = await tenant("cleo");
  expect(await check(cleo, { feature: "upload_mb", units: 10 })).toMatchObject({ warning: null });
  expect(await check(cleo, { feature: "upload_mb", units: 11 })).toMatchObject({
    allowed: true,
    warning: "over_limit",
    overUnits: 1,
  });
  const long = { feature: "stream_min", units: 25 };
  expect(await check(cleo, long)).toMatchObject({ allowed: false, reason: "confirm", missing: 15 });
  expect(await check(cleo, { ...long, confirmed: true })).toMatchObject({
    allowed: true,
    warning: "over_limit",
  });
});
