import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { entitle } from "@/server/entitlements/entitle";
import { jobs } from "@/server/jobs";
import { consume } from "@/server/quota/consume";
import { forecast } from "@/server/quota/forecast";
import { duePage } from "@/server/quota/jobs";
import { storyPrices as prices } from "./story-prices";

const { tenant, owner, clock, ctx } = await world({ prices });
const told = (of: TenantCtx) =>
  owner`select fact, payload from outbox where tenant_id = ${of.tenant.id} and type = 'quota.forecast' order by id`;

test("a pace that uses the allowance up before the reset is told once per window, and again in the next", async () => {
  const ada = await tenant("ada");
  clock.advance({ days: 1 });
  await consume(ada, { feature: "compute", units: 30 });
  expect(await jobs.forecast(ctx)).toMatchObject({ foreseen: 1 });
  expect(await jobs.forecast(ctx)).toMatchObject({ foreseen: 0 });
  const startsAt = new Date(clock.now().getTime() - 86_400_000);
  expect(await told(ada)).toEqual([
    {
      fact: `quota.forecast:window:compute:${startsAt.toISOString()}`,
      payload: {
        feature: "compute",
        unitsPerDay: 30,
        allowanceEndsAt: new Date(clock.now().getTime() + (70 / 30) * 86_400_000).toISOString(),
        runsOutAt: new Date(clock.now().getTime() + (70 / 30) * 86_400_000).toISOString(),
        resetsAt: new Date(startsAt.getTime() + 7 * 86_400_000).toISOString(),
        windowStartsAt: startsAt.toISOString(),
      },
    },
  ]);
  clock.advance({ days: 7 });
  await consume(ada, { feature: "compute", units: 90 });
  expect(await jobs.forecast(ctx)).toMatchObject({ foreseen: 1 });
  expect(await told(ada)).toHaveLength(2);
});

test("a pace that lasts to the reset is no news, nor is an allowance that is gone already", async () => {
  const [bo, cleo] = [await tenant("bo"), await tenant("cleo")];
  clock.advance({ days: 1 });
  await consume(bo, { feature: "compute", units: 14 });
  await consume(cleo, { feature: "compute", units: 100 });
  await jobs.forecast(ctx);
  expect(await told(bo)).toEqual([]);
  expect(await told(cleo)).toEqual([]);
});

test("one busy hour after quiet weeks is no alarm", async () => {
  const dan = await tenant("dan");
  clock.advance({ days: 14, hours: 1 });
  await consume(dan, { feature: "compute", units: 40 });
  expect(await duePage(ctx, "forecast_due", { tenantId: "", feature: "" }, 500)).toContainEqual({
    tenantId: dan.tenant.id,
    feature: "compute",
  });
  await jobs.forecast(ctx);
  expect(await told(dan)).toEqual([]);
});

test("two runners at once tell it once", async () => {
  const ada = await tenant("ada");
  clock.advance({ days: 1 });
  await consume(ada, { feature: "compute", units: 50 });
  const runs = await Promise.all([jobs.forecast(ctx), jobs.forecast(ctx), jobs.forecast(ctx)]);
  expect(runs.reduce((sum, run) => sum + (run.foreseen ?? 0), 0)).toBe(1);
  expect(await Promise.all([forecast(ada, "compute"), forecast(ada, "compute")])).toEqual([false, false]);
  expect(await told(ada)).toHaveLength(1);
});

test("every tenant is asked in turn, and no page is asked twice", async () => {
  const many = await Promise.all(Array.from({ length: 7 }, (_, at) => tenant(`many-${at}`)));
  clock.advance({ days: 1 });
  await Promise.all(many.map((one) => consume(one, { feature: "compute", units: 60 })));
  const seen: string[] = [];
  let after = { tenantId: "", feature: "" };
  for (
    let page = await duePage(ctx, "forecast_due", after, 2);
    page.length > 0;
    page = await duePage(ctx, "forecast_due", after, 2)
  ) {
    seen.push(...page.map(({ tenantId }) => tenantId));
    after = page.at(-1)!;
  }
  expect(new Set(seen).size).toBe(seen.length);
  expect(many.every((one) => seen.includes(one.tenant.id))).toBe(true);
  expect(await jobs.forecast(ctx)).toMatchObject({ foreseen: 7 });
});

test("a meter that is not sold any more is still looked at", async () => {
  const eve = await tenant("eve");
  clock.advance({ days: 1 });
  await consume(eve, { feature: "compute", units: 60 });
  const { compute: _compute, chats: _chats, ...features } = prices.features;
  expect(await jobs.forecast({ ...ctx, prices: { ...prices, features } })).toMatchObject({ foreseen: 1 });
});

test("more allowance in the same window doesn't tell it twice", async () => {
  clock.set("2026-06-01T09:00:00Z");
  const ada = await tenant("ada");
  clock.advance({ days: 1 });
  await consume(ada, { feature: "mails", units: 40 });
  expect(await jobs.forecast(ctx)).toMatchObject({ foreseen: 1 });
  await entitle(ada, { planVersionId: "pro@1", source: "operator" });
  clock.advance({ days: 1 });
  await consume(ada, { feature: "mails", units: 300 });
  await jobs.forecast(ctx);
  expect((await told(ada)).filter(({ fact }) => String(fact).includes(":mails:"))).toHaveLength(1);
});
