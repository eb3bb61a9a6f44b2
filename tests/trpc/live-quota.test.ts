import { randomUUID } from "node:crypto";
import { storyPrices } from "@tests/quota/story-prices";
import { world } from "@tests/support/world";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { PriceList } from "@/lib/price-list";
import { readStandings, STANDINGS_HEADER } from "@/lib/standings";
import type { TenantCtx } from "@/server/context";
import { grantCredits } from "@/server/credits/service";
import { setBlocked } from "@/server/quota/block";
import { check } from "@/server/quota/check";
import { consume } from "@/server/quota/consume";
import { release } from "@/server/quota/release";
import { tellStanding } from "@/server/quota/standing";
import { type QuotaStatus, status } from "@/server/quota/status";
import { applyStandings } from "@/trpc/apply-standings";
import { featureStanding } from "@/trpc/feature-standing";

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

const COUNTED = ["compute", "mails", "messages", "renders", "energy", "seats", "rooms"] as const;
const ASKED = [...COUNTED, "chats", "sso", "upload_mb", "video_mb", "export_rows", "api_rows"] as const;

type Step =
  | { do: "consume"; feature: (typeof COUNTED)[number]; units: number; confirmed: boolean }
  | { do: "release"; feature: "seats" | "rooms"; units: number }
  | { do: "wait"; hours: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("consume" as const),
      feature: fc.constantFrom(...COUNTED),
      units: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 130 })),
      confirmed: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("release" as const),
      feature: fc.constantFrom("seats", "rooms"),
      units: fc.integer({ min: 1, max: 2 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("wait" as const), hours: fc.integer({ min: 1, max: 60 }) }),
  },
);

/** What the browser knows after an answer: nothing but what it knew, and the answer's headers. */
async function afterAnswer(ctx: TenantCtx, known: QuotaStatus, one: Step): Promise<QuotaStatus> {
  const resHeaders = new Headers();
  const answering = { ...ctx, request: { resHeaders } };
  if (one.do === "consume") {
    const { feature, units, confirmed } = one;
    tellStanding(answering, await consume(ctx, { feature, units, confirmed }));
  }
  if (one.do === "release") {
    const { feature, units } = one;
    const level = known.meters.find((meter) => meter.feature === feature);
    if (!level || level.used + level.over < units) return known;
    const freed = await release(ctx, { feature, units, key: randomUUID() });
    tellStanding(answering, { ...freed, feature, resetsAt: null });
  }
  if (one.do === "wait") {
    clock.advance({ hours: one.hours });
    // A window that ended by itself is nobody's answer: the browser asks anew when it is looked at again.
    return status(ctx);
  }
  return applyStandings(known, readStandings(resHeaders.get(STANDINGS_HEADER)));
}

test("a page that follows the answers knows what asking anew would tell, and judges as the gate does", async () => {
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 14 }),
      fc.integer({ min: 0, max: 60 }),
      fc.constantFrom(...ASKED),
      fc.integer({ min: 1, max: 130 }),
      async (steps, credits, feature, units) => {
        runs += 1;
        const ctx = await tenant(`run${runs}`);
        if (credits > 0) await grantCredits(ctx, { kind: "purchase", source: "gift", amount: credits });
        let known = await status(ctx);
        for (const one of steps) {
          known = await afterAnswer(ctx, known, one);
          expect(known).toEqual(await status(ctx));
          await judgesAlike(ctx, known, feature, units);
        }
      },
    ),
    { numRuns: 40 },
  );
});

async function judgesAlike(
  ctx: TenantCtx,
  known: QuotaStatus,
  feature: (typeof ASKED)[number],
  units: number,
) {
  const pooled = feature === "chats";
  // Base 5, and one unit for every hundred tokens.
  const asked = pooled
    ? { feature, costs: { input_tokens: 100 * units } }
    : { feature, units: feature === "sso" ? 1 : units };
  const decision = await check(ctx, asked);
  const { allowed, reason } = featureStanding(known, feature, pooled ? units + 5 : units);
  expect({ allowed, reason }).toEqual({
    allowed: decision.allowed,
    reason: decision.allowed ? null : decision.reason,
  });
}

test("who is blocked learns it with the first answer", async () => {
  const ctx = await tenant("dan");
  const before = await status(ctx);
  await setBlocked(ctx, { reason: "past due" });
  const known = await afterAnswer(ctx, before, {
    do: "consume",
    feature: "compute",
    units: 1,
    confirmed: false,
  });
  expect(featureStanding(known, "compute")).toMatchObject({ allowed: false, reason: "blocked" });
});

test("a feature that nobody sells is not in the plan", async () => {
  const ctx = await tenant("eve");
  expect(featureStanding(await status(ctx), "teleport")).toMatchObject({
    allowed: false,
    reason: "not_in_plan",
  });
});
