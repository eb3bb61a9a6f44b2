import { randomUUID } from "node:crypto";
import { storyPrices } from "@tests/quota/story-prices";
import { world } from "@tests/support/world";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { PriceList } from "@/lib/price-list";
import type { TenantCtx } from "@/server/context";
import { grantCredits } from "@/server/credits/grant-credits";
import { block, unblock } from "@/server/entitlements/block";
import { check } from "@/server/quota/check";
import { commit } from "@/server/quota/commit";
import { consume } from "@/server/quota/consume";
import { refund } from "@/server/quota/refund";
import { release } from "@/server/quota/release";
import { reserve } from "@/server/quota/reserve";
import { type QuotaStatus, status } from "@/server/quota/status";
import { featureStanding } from "@/trpc/feature-standing";
import { openPage } from "./page";

/** And a level that lets people pass, and caps of every temper. */
const prices: PriceList = {
  ...storyPrices,
  features: {
    ...storyPrices.features,
    rooms: { kind: "level", name: "Rooms", onLimit: "warn" },
    upload_mb: { kind: "cap", name: "Upload" },
    video_mb: { kind: "cap", name: "Video", onLimit: "warn" },
    export_rows: { kind: "cap", name: "Export", onLimit: "prompt" },
    api_rows: { kind: "cap", name: "Rows" },
  },
  plans: storyPrices.plans.map((plan) => ({
    ...plan,
    limits: { ...plan.limits, rooms: 3, upload_mb: 50, video_mb: 50, export_rows: 50, api_rows: 0 },
  })),
};
const { tenant, clock } = await world({ prices });

const METERS = ["compute", "mails", "messages", "renders", "energy"] as const;
const LEVELS = ["seats", "rooms"] as const;
const OTHERS = ["chats", "sso", "upload_mb", "video_mb", "export_rows", "api_rows"] as const;
type Asked = (typeof METERS | typeof LEVELS | typeof OTHERS)[number];

const units = fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 130 }));
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("consume" as const), units, confirmed: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("release" as const), units: fc.integer({ min: 1, max: 2 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("wait" as const), hours: fc.integer({ min: 1, max: 60 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("reserve and commit" as const),
      units,
      actual: units,
      overflow: fc.constantFrom("reject" as const, "cap" as const, "overflow" as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("refund" as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

interface Story {
  ctx: TenantCtx;
  page: Awaited<ReturnType<typeof openPage>>;
  meter: (typeof METERS)[number];
  level: (typeof LEVELS)[number];
  /** What may be refunded. */
  charges: string[];
}

const VERBS: { [D in Step["do"]]: (story: Story, step: Extract<Step, { do: D }>) => Promise<void> } = {
  async consume({ ctx, page, meter, level, charges }, { units, confirmed }) {
    const feature = units % 4 === 0 ? level : meter;
    const receipt = await consume(ctx, { feature, units: feature === level ? 1 : units, confirmed });
    if (receipt.allowed && feature === meter) charges.push(receipt.entryId);
    await page.answered(receipt);
  },
  async release({ ctx, page, level }, { units }) {
    const { used, over } = page.known().meters.find(({ feature }) => feature === level)!;
    if (used + over < units) return;
    const freed = await release(ctx, { feature: level, units, key: randomUUID() });
    await page.answered({ ...freed, feature: level, resetsAt: null });
  },
  async wait({ page }, { hours }) {
    clock.advance({ hours });
    // A window that ended by itself is nobody's answer: the page asks anew when it is looked at again.
    await page.reload();
  },
  async "reserve and commit"({ ctx, page, meter }, { units, actual, overflow }) {
    const hold = await reserve(ctx, { feature: meter, units, overflow });
    await page.answered(hold);
    if (hold.allowed) await page.answered(await commit(ctx, { holdId: hold.holdId, units: actual }));
  },
  async refund({ ctx, page, charges }) {
    const entryId = charges.pop();
    if (entryId) await page.answered(await refund(ctx, { entryId, key: randomUUID(), reason: "sorry" }));
  },
};

test("a page that follows the answers knows what asking anew would tell, and judges as the gate does", async () => {
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        steps: fc.array(step, { minLength: 1, maxLength: 14 }),
        credits: fc.integer({ min: 0, max: 60 }),
        gift: fc.integer({ min: 0, max: 40 }),
        meter: fc.constantFrom(...METERS),
        level: fc.constantFrom(...LEVELS),
        other: fc.constantFrom(...OTHERS),
        wanted: fc.integer({ min: 1, max: 130 }),
      }),
      async ({ steps, credits, gift, meter, level, other, wanted }) => {
        runs += 1;
        const ctx = await tenant(`run${runs}`);
        if (credits > 0) await grantCredits(ctx, { kind: "purchase", source: "gift", amount: credits });
        if (gift > 0) await grantCredits(ctx, { unit: meter, kind: "promo", source: "promo", amount: gift });
        const page = await openPage(ctx);
        const story: Story = { ctx, page, meter, level, charges: [] };
        for (const one of steps) {
          await VERBS[one.do](story, one as never);
          expect(page.known()).toEqual(await status(ctx));
          for (const feature of [meter, level, other]) await judgesAlike(ctx, page.known(), feature, wanted);
        }
        page.close();
      },
    ),
    { numRuns: 40 },
  );
}, 240_000);

async function judgesAlike(ctx: TenantCtx, known: QuotaStatus, feature: Asked, wanted: number) {
  const pooled = feature === "chats";
  // Base 5, and one unit for every hundred tokens.
  const decision = await check(
    ctx,
    pooled
      ? { feature, costs: { input_tokens: 100 * wanted } }
      : { feature, units: feature === "sso" ? 1 : wanted },
  );
  const { allowed, reason } = featureStanding(known, feature, pooled ? wanted + 5 : wanted);
  expect({ feature, allowed, reason }).toEqual({
    feature,
    allowed: decision.allowed,
    reason: decision.allowed ? null : decision.reason,
  });
}

test("nothing is asked a second time for a charge, a refusal, a place given back, or a hold settled within the allowance", async () => {
  const ctx = await tenant("ada");
  const page = await openPage(ctx);
  const story: Story = { ctx, page, meter: "compute", level: "seats", charges: [] };
  const known = (feature: string) => page.known().meters.find((meter) => meter.feature === feature)?.used;
  await page.answered(await consume(ctx, { feature: "compute", units: 30 }));
  await page.answered(await consume(ctx, { feature: "compute", units: 119 }));
  await page.answered(await consume(ctx, { feature: "seats", units: 2 }));
  await VERBS.release(story, { do: "release", units: 1 });
  await VERBS["reserve and commit"](story, {
    do: "reserve and commit",
    units: 40,
    actual: 15,
    overflow: "reject",
  });
  expect([known("compute"), known("seats")]).toEqual([45, 1]);
  expect(page.asked()).toBe(1);
  page.close();
});

test("a window that ended unnoticed is asked for once, when the first answer of the new one tells of it", async () => {
  const ctx = await tenant("cleo");
  await consume(ctx, { feature: "messages", units: 13 });
  const page = await openPage(ctx);
  expect(page.known().meters.find(({ feature }) => feature === "messages")).toMatchObject({
    used: 10,
    over: 3,
  });
  clock.advance({ days: 40 });
  await page.answered(await consume(ctx, { feature: "messages", units: 2 }));
  expect(page.known()).toEqual(await status(ctx));
  expect(page.asked()).toBe(2);
  await page.answered(await consume(ctx, { feature: "messages", units: 2 }));
  expect(page.known()).toEqual(await status(ctx));
  expect(page.asked()).toBe(2);
  page.close();
});

test("who is blocked learns it with the first answer, and that it is over with the first that goes through", async () => {
  const ctx = await tenant("dan");
  const page = await openPage(ctx);
  await consume(ctx, { feature: "seats" });
  await block(ctx, { reason: "past due" });
  await page.answered(await consume(ctx, { feature: "compute" }));
  expect(featureStanding(page.known(), "compute")).toMatchObject({ allowed: false, reason: "blocked" });
  await unblock(ctx, { reason: "past due" });
  await page.answered(await consume(ctx, { feature: "compute" }));
  expect(featureStanding(page.known(), "compute")).toMatchObject({ allowed: true, used: 1 });
  expect(page.asked()).toBe(1);
  page.close();
});

test("a feature that nobody sells is not in the plan", async () => {
  const ctx = await tenant("eve");
  expect(featureStanding(await status(ctx), "teleport")).toMatchObject({
    allowed: false,
    reason: "not_in_plan",
  });
});
