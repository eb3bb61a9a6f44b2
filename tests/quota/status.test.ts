import { world } from "@tests/support/world";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { grantCredits } from "@/server/credits/grant-credits";
import { setOverride } from "@/server/entitlements/override";
import { setSpendCap } from "@/server/entitlements/spend-cap";
import { check } from "@/server/quota/check";
import { consume } from "@/server/quota/consume";
import { reserve } from "@/server/quota/reserve";
import { status } from "@/server/quota/status";
import { storyPrices as prices } from "./story-prices";

const { tenant, clock } = await world({ prices });

async function meterOf(ada: TenantCtx, feature: string) {
  const { meters } = await status(ada);
  return meters.find((meter) => meter.feature === feature)!;
}

test("overage says what it comes to so far, and the cap that the tenant set", async () => {
  const ada = await tenant("ada");
  expect(await meterOf(ada, "mails")).toMatchObject({ over: 0, overageMinor: 0, warning: null });
  await setSpendCap(ada, { feature: "mails", capMinor: 70 });
  await consume(ada, { feature: "mails", units: 61 });
  expect(await meterOf(ada, "mails")).toMatchObject({
    used: 50,
    over: 11,
    overageMinor: 22,
    warning: "over_limit",
    rule: { spendCapMinor: 70 },
  });
  expect((await status(ada)).currency).toBe("usd");
});

test("a meter warns from 80 % on, at its limit, and past it", async () => {
  const ada = await tenant("ada");
  const warningAfter = async (units: number) => {
    await consume(ada, { feature: "messages", units });
    return (await meterOf(ada, "messages")).warning;
  };
  expect(await warningAfter(7)).toBeNull();
  expect(await warningAfter(1)).toBe("near_limit");
  expect(await warningAfter(2)).toBe("limit_reached");
  expect(await warningAfter(1)).toBe("over_limit");
});

test("what is set aside and what lots hold besides stand next to the allowance", async () => {
  const ada = await tenant("ada");
  await grantCredits(ada, { amount: 25, unit: "compute", kind: "promo", source: "promo:1" });
  await reserve(ada, { feature: "compute", units: 30 });
  await reserve(ada, { feature: "compute", units: 12 });
  await consume(ada, { feature: "compute", units: 5 });
  expect(await meterOf(ada, "compute")).toMatchObject({ used: 47, held: 42, extra: 25, remaining: 53 });
});

test("at any instant the status shows what the gate would answer, without anything being written before", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        units: fc.integer({ min: 1, max: 20 }),
        overrideHours: fc.option(fc.integer({ min: 1, max: 60 })),
        limit: fc.integer({ min: 0, max: 40 }),
        passHours: fc.integer({ min: 0, max: 80 }),
      }),
      async ({ units, overrideHours, limit, passHours }) => {
        const ada = await tenant("ada", "Pacific/Auckland");
        await consume(ada, { feature: "energy", units });
        if (overrideHours !== null) {
          const expiresAt = new Date(clock.now().getTime() + overrideHours * 3_600_000);
          await setOverride(ada, { feature: "energy", limit, reason: "a test", expiresAt });
        }
        clock.advance({ hours: passHours });
        const { used, limit: shown, resetsAt } = await meterOf(ada, "energy");
        const answer = await check(ada, { feature: "energy", units: 1 });
        expect(answer).toMatchObject({ limit: shown, resetsAt });
        expect(answer.allowed && answer.drawn.allowance > 0 ? answer.used - 1 : answer.used).toBe(used);
      },
    ),
    { numRuns: 60 },
  );
});
