import { business, meterOf, meterStatus, subscribe } from "@tests/entitlements/business";
import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { grantCredits } from "@/server/credits/grant-credits";
import { check } from "@/server/quota/check";
import { consume } from "@/server/quota/consume";

const credits = { to: "credits", credits: 1, perUnits: 1 } as const;
const prices = business(
  {
    compute: meterOf({ window: "month", align: "calendar", overflow: credits }),
    loud: meterOf({ window: "month", align: "calendar", onLimit: "warn" }),
  },
  {
    free: {
      limits: { compute: 100, loud: 10 },
      caps: { compute: { perRequest: 60, perWindow: 150 }, loud: { perWindow: 20 } },
    },
    pro: { limits: { compute: 100, loud: 10 }, caps: { compute: { perRequest: 500 } } },
  },
);
const { tenant, clock } = await world({ prices });

const take = (ctx: TenantCtx, units: number) => consume(ctx, { feature: "compute", units });
const rich = async (name: string) => {
  const ctx = await tenant(name);
  await grantCredits(ctx, { amount: 10_000, kind: "purchase", source: `payment:${name}` });
  return ctx;
};

test("no single call is larger than the plan's cap, however much is left", async () => {
  const ada = await rich("ada");
  expect(await take(ada, 61)).toMatchObject({ allowed: false, reason: "request_cap", missing: 1 });
  expect(await check(ada, { feature: "compute", units: 61 })).toMatchObject({ reason: "request_cap" });
  expect(await take(ada, 60)).toMatchObject({ allowed: true });
});

test("no window sees more than the plan's cap, whatever would pay for it", async () => {
  const bo = await rich("bo");
  for (const units of [60, 60]) expect((await take(bo, units)).allowed).toBe(true);
  expect(await take(bo, 31)).toMatchObject({ allowed: false, reason: "window_cap", missing: 1 });
  expect(await take(bo, 30)).toMatchObject({ allowed: true });
  expect(await take(bo, 1)).toMatchObject({ allowed: false, reason: "window_cap" });
  clock.advance({ days: 31 });
  expect(await take(bo, 60)).toMatchObject({ allowed: true });
});

test("calls at the same instant share the window's cap exactly", async () => {
  const cleo = await rich("cleo");
  const receipts = await Promise.all(Array.from({ length: 40 }, () => take(cleo, 7)));
  expect(receipts.filter((receipt) => receipt.allowed)).toHaveLength(21);
  expect(await take(cleo, 3)).toMatchObject({ allowed: true });
});

test("a limit that only warns still stops at the window's cap", async () => {
  const dan = await tenant("dan");
  expect(await consume(dan, { feature: "loud", units: 20 })).toMatchObject({ warning: "over_limit" });
  expect(await consume(dan, { feature: "loud" })).toMatchObject({ allowed: false, reason: "window_cap" });
});

test("caps follow the plan at once, up and down, and what was used counts", async () => {
  const ada = await rich("ada-two");
  for (const units of [60, 60, 30]) await take(ada, units);
  await subscribe(ada, "pro");
  expect(await take(ada, 400)).toMatchObject({ allowed: true });
  expect(await meterStatus(ada, "compute")).toMatchObject({ rule: { requestCap: 500, windowCap: null } });
  await subscribe(ada, "free");
  expect(await take(ada, 1)).toMatchObject({ allowed: false, reason: "window_cap", missing: 401 });
});
