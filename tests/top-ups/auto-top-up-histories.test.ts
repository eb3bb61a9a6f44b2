import { stage } from "@tests/support/stage";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { consume } from "@/server/quota/consume";
import { autoTopUp, setAutoTopUp } from "@/server/top-ups/auto-top-up";
import { topUp } from "@/server/top-ups/top-up";
import { topUpMonth } from "@/server/top-ups/top-up-standing";
import { TERMS, topUpStage } from "./top-ups";

const made = await stage({ poolSize: 10 });
const { clock, owner } = made;
const scene = topUpStage(made);
const { keepCard, lowTenant, chargesOf, attemptsOf, ordersOf, toldOf, creditsOf, lapse, give } = scene;

const CAP_MINOR = 1_500;
const HISTORIES = 30;
const CARDS = ["pm_card_visa", "pm_card_chargeCustomerFail", "pm_card_authenticationRequired"] as const;

type Step =
  | { do: "spend"; units: number }
  | { do: "look" | "off" | "on" | "month" }
  | { do: "together"; runners: number }
  | { do: "die"; request: number; moment: "before" | "after" }
  | { do: "give"; units: number }
  | { do: "card"; card: (typeof CARDS)[number] };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("spend" as const), units: fc.integer({ min: 1, max: 90 }) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("look" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("together" as const), runners: fc.integer({ min: 2, max: 4 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("die" as const),
      request: fc.integer({ min: 1, max: 6 }),
      moment: fc.constantFrom("before" as const, "after" as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("give" as const), units: fc.integer({ min: 1, max: 60 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("card" as const), card: fc.constantFrom(...CARDS) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom("on" as const, "off" as const, "month" as const) }),
  },
);

let gifts = 0;

async function take(tenantCtx: TenantCtx, one: Step): Promise<void> {
  switch (one.do) {
    case "spend":
      await consume(tenantCtx, { feature: "compute", units: one.units });
      return;
    case "look":
      await lapse(tenantCtx);
      await topUp(tenantCtx);
      return;
    case "together":
      await lapse(tenantCtx);
      await Promise.all(Array.from({ length: one.runners }, () => topUp(tenantCtx)));
      return;
    case "die": {
      await lapse(tenantCtx);
      const { stripe, died } = scene.dyingStripe(one.request, one.moment);
      await Promise.race([died, topUp({ ...tenantCtx, stripe })]);
      return;
    }
    case "give":
      gifts += 1;
      await give(tenantCtx, one.units, `promo:${gifts}`);
      return;
    case "card":
      await keepCard(tenantCtx, one.card);
      return;
    case "on":
      await setAutoTopUp(tenantCtx, { ...TERMS, monthlyCapMinor: CAP_MINOR });
      return;
    case "off":
      await setAutoTopUp(tenantCtx, { enabled: false });
      return;
    case "month":
      clock.set(topUpMonth(tenantCtx).endsAt);
  }
}

/** As cron would, until nothing is left to be done. */
async function comeToRest(tenantCtx: TenantCtx): Promise<void> {
  for (let run = 0; run < 12; run += 1) {
    await lapse(tenantCtx);
    await topUp(tenantCtx);
  }
}

async function expectAllFits(tenantCtx: TenantCtx, steps: readonly Step[]): Promise<void> {
  const timesTurnedOn = 1 + steps.filter((one) => one.do === "on").length;
  const charges = await chargesOf(tenantCtx);
  const paid = charges.filter(({ status }) => status === "succeeded");
  const attempts = await attemptsOf(tenantCtx);
  const fulfilled = (await ordersOf(tenantCtx)).filter(({ status }) => status === "fulfilled");
  const lots =
    await owner`select source from lots where tenant_id = ${tenantCtx.tenant.id} and kind = 'purchase'`;
  expect(fulfilled).toHaveLength(paid.length);
  expect(lots).toHaveLength(paid.length);
  expect(attempts.filter(({ status }) => status === "paid")).toHaveLength(paid.length);
  expect(attempts.filter(({ status }) => status === "in_flight")).toEqual([]);
  expect(charges.length - paid.length).toBeLessThanOrEqual(timesTurnedOn);
  const failures = attempts.filter(({ status }) => status === "failed").length;
  // Who has turned it off before the refusal is known has nothing to be told.
  const told = (await toldOf(tenantCtx)).length;
  expect(told).toBeLessThanOrEqual(failures);
  if (!steps.some((one) => one.do === "off")) expect(told).toBe(failures);
  const months = await owner`
    select sum(amount_minor)::int as spent from top_up_attempts
    where tenant_id = ${tenantCtx.tenant.id} and status = 'paid' group by date_trunc('month', created_at at time zone 'UTC')`;
  for (const { spent } of months) expect(spent).toBeLessThanOrEqual(CAP_MINOR);
  const { state, waiting } = await autoTopUp(tenantCtx);
  if (state === "on" && waiting === null)
    expect(await creditsOf(tenantCtx)).toBeGreaterThanOrEqual(TERMS.threshold);
}

test("whatever happens in whatever order, every charge is one order and one lot, and no card is asked after a refusal", async () => {
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async (steps) => {
      runs += 1;
      const tenantCtx = await lowTenant(`run${runs}`, { monthlyCapMinor: CAP_MINOR });
      await consume(tenantCtx, { feature: "compute", units: 100 });
      for (const one of steps) await take(tenantCtx, one);
      await comeToRest(tenantCtx);
      await expectAllFits(tenantCtx, steps);
    }),
    { numRuns: HISTORIES },
  );
  expect(runs).toBeGreaterThanOrEqual(HISTORIES);
}, 240_000);
