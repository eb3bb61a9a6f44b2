import { stage } from "@tests/support/stage";
import { expect, test, vi } from "vitest";
import { createCtx, type TenantCtx } from "@/server/context";
import { autoTopUp, setAutoTopUp } from "@/server/top-ups/auto-top-up";
import { topUps } from "@/server/top-ups/jobs";
import { topUp } from "@/server/top-ups/top-up";
import { TERMS, topUpStage } from "./top-ups";

const made = await stage({ poolSize: 10 });
const { ctx, runtime, clock, simulator } = made;
const scene = topUpStage(made);
const { keepCard, lowTenant, intentsOf, chargesOf, attemptsOf, ordersOf, toldOf, creditsOf, lapse, give } =
  scene;

/** Look for the card, make the intent, look at it; charge; look how that ended. */
const REQUESTS_BEFORE_CHARGE = 3;
const REQUESTS = 5;

/** One pack was paid and given, however it came about. */
async function expectOnePack(tenantCtx: TenantCtx) {
  expect(await creditsOf(tenantCtx)).toBe(100);
  const charges = await chargesOf(tenantCtx);
  expect(charges.map(({ status }) => status)).toEqual(["succeeded"]);
  expect(await attemptsOf(tenantCtx)).toMatchObject([{ status: "paid", lease_ends_at: null }]);
  expect(await ordersOf(tenantCtx)).toMatchObject([{ status: "fulfilled" }]);
}

/** A run that dies at its nth request to Stripe; answers whether it got that far. */
async function runUntilDeath(tenantCtx: TenantCtx, request: number, moment: "before" | "after") {
  const { stripe: mortal, died } = scene.dyingStripe(request, moment);
  const run = topUp({ ...tenantCtx, stripe: mortal }).then(() => false);
  return Promise.race([run, died.then(() => true)]);
}

test("50 triggers and two cron runners at once buy one pack, with one attempt", async () => {
  const ada = await lowTenant("ada");
  const runner = () => topUps(createCtx(runtime, { kind: "cron", job: "top-ups" }));
  const triggers = Array.from({ length: 50 }, () => topUp(ada));
  const [results] = await Promise.all([Promise.all(triggers), runner(), runner()]);
  expect(results.filter((result) => result === "bought").length).toBeLessThanOrEqual(1);
  expect(await intentsOf(ada)).toHaveLength(1);
  await expectOnePack(ada);
});

test("50 triggers at once with a bad card ask it once", async () => {
  const bo = await lowTenant("bo", {}, "pm_card_chargeCustomerFail");
  await Promise.all(Array.from({ length: 50 }, () => topUp(bo)));
  expect(await chargesOf(bo)).toHaveLength(1);
  expect(await toldOf(bo)).toHaveLength(1);
  expect(await attemptsOf(bo)).toMatchObject([{ status: "failed" }]);
});

test("many runners over a long time never pass the month's cap, not even together", async () => {
  const cleo = await lowTenant("cleo", { threshold: 1_000_000, monthlyCapMinor: 1_750 });
  for (let round = 0; round < 6; round += 1) await Promise.all(Array.from({ length: 10 }, () => topUp(cleo)));
  expect(await chargesOf(cleo)).toHaveLength(3);
  expect(await autoTopUp(cleo)).toMatchObject({
    state: "on",
    waiting: "cap",
    spentThisMonth: { amountMinor: 1_500n },
  });
});

test("a new month of the tenant's own time zone, and not an instant before, opens the cap again", async () => {
  clock.set("2026-04-30T20:00:00.000Z");
  const dan = await made.tenant("dan", "Pacific/Auckland");
  await keepCard(dan);
  clock.set("2026-05-31T11:00:00.000Z");
  await setAutoTopUp(dan, { ...TERMS, threshold: 1_000, monthlyCapMinor: 500 });
  const countAfter = async (instant: string) => {
    clock.set(instant);
    for (let run = 0; run < 3; run += 1) await topUps(ctx);
    return (await chargesOf(dan)).length;
  };
  expect(await countAfter("2026-05-31T11:00:00.000Z")).toBe(1);
  // Auckland is twelve hours ahead: its June begins at noon.
  expect(await countAfter("2026-05-31T11:59:59.999Z")).toBe(1);
  expect(await countAfter("2026-05-31T12:00:00.000Z")).toBe(2);
  expect(await countAfter("2026-06-01T00:00:00.000Z")).toBe(2);
});

test("what failed doesn't count towards the cap", async () => {
  const ada = await lowTenant("ada", { monthlyCapMinor: 500 }, "pm_card_chargeCustomerFail");
  await topUps(ctx);
  await keepCard(ada);
  await setAutoTopUp(ada, { ...TERMS, monthlyCapMinor: 500 });
  await topUps(ctx);
  expect(await creditsOf(ada)).toBe(100);
});

test.each(["before", "after"] as const)(
  "wherever a run dies, %s any of its requests, the next one ends it: one charge, one lot",
  async (moment) => {
    let deaths = 0;
    for (let request = 1; ; request += 1) {
      const bo = await lowTenant("bo");
      const isDead = await runUntilDeath(bo, request, moment);
      if (!isDead) break;
      deaths += 1;
      // Stripe's event finds the lease of the dead: late, it would end the purchase itself.
      await made.settled();
      if ((await attemptsOf(bo)).length > 0) expect(await topUp(bo)).toBe("busy");
      await lapse(bo);
      expect(await topUp(bo)).toBe("bought");
      await expectOnePack(bo);
      expect(await topUp(bo)).toBe("recovered");
    }
    expect(deaths).toBeGreaterThanOrEqual(5);
  },
);

test("wherever a run with a bad card dies, the card is asked once and the tenant is told once", async () => {
  for (let request = 1; ; request += 1) {
    const cleo = await lowTenant("cleo", {}, "pm_card_chargeCustomerFail");
    const isDead = await runUntilDeath(cleo, request, "after");
    // As above: Stripe's event, late, would be at it while we ask.
    await made.settled();
    await lapse(cleo);
    await topUp(cleo);
    expect(await chargesOf(cleo)).toHaveLength(1);
    expect(await toldOf(cleo)).toHaveLength(1);
    expect(await autoTopUp(cleo)).toMatchObject({ state: "stopped", stopped: { reason: "declined" } });
    if (!isDead) break;
  }
});

test.each(["429", "500", "timeout", "close"] as const)(
  "a fault of the network (%s), at whichever request, is no decline: it is asked again later and charged once",
  async (kind) => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    for (let request = 1; request <= REQUESTS; request += 1) {
      const dan = await lowTenant("dan");
      const { stripe: fragile, failing } = failingStripe(kind, request);
      const first = await topUp({ ...dan, stripe: fragile });
      expect(failing.count).toBe(1);
      // The last request only looks how it ended, and is made again at once when Stripe fails.
      expect(first).toBe(request === REQUESTS && kind === "500" ? "bought" : "waiting");
      if (first === "waiting") {
        expect(await autoTopUp(dan)).toMatchObject({ state: "on", waiting: "in_flight" });
        expect(await scene.isDue(dan)).toBe(false);
        clock.advance({ minutes: 1 });
      }
      for (let run = 0; run < 3; run += 1) await topUps(ctx);
      await expectOnePack(dan);
      expect(await toldOf(dan)).toEqual([]);
    }
    log.mockRestore();
  },
  60_000,
);

/** A client without retries of its own, whose nth request meets a fault. */
function failingStripe(kind: "429" | "500" | "timeout" | "close", request: number) {
  const failing = { count: 0 };
  let sent = 0;
  const fragile = scene.impatientStripe(() => {
    sent += 1;
    if (sent !== request) return;
    failing.count += 1;
    simulator.control.failNext(kind, 1);
  });
  return { stripe: fragile, failing };
}

test("a balance that recovered before the card was charged needs no pack: the payment is canceled", async () => {
  for (let request = 1; request <= REQUESTS_BEFORE_CHARGE; request += 1) {
    const ada = await lowTenant("ada");
    expect(await runUntilDeath(ada, request, "after")).toBe(true);
    await give(ada, 500, "promo:meanwhile");
    await lapse(ada);
    expect(await topUp(ada)).toBe("abandoned");
    expect(await chargesOf(ada)).toEqual([]);
    expect(await creditsOf(ada)).toBe(500);
    expect(await ordersOf(ada)).toMatchObject([{ status: "expired" }]);
    expect(await topUp(ada)).toBe("recovered");
    for (const { status } of await intentsOf(ada))
      expect(["canceled", "requires_confirmation"]).toContain(status);
  }
});

test("turned off while the payment is under way, what was charged is given and nothing else is bought", async () => {
  const bo = await lowTenant("bo");
  expect(await runUntilDeath(bo, 5, "after")).toBe(true);
  expect(await chargesOf(bo)).toHaveLength(1);
  await setAutoTopUp(bo, { enabled: false });
  await lapse(bo);
  for (let run = 0; run < 3; run += 1) await topUps(ctx);
  await expectOnePack(bo);
  expect(await autoTopUp(bo)).toMatchObject({ state: "off" });
});

test("a worker that wakes up after the end of its attempt charges nothing more", async () => {
  const cleo = await lowTenant("cleo");
  const { stripe: slow, asleep, wake } = scene.sleepyStripe(2);
  const sleeper = topUp({ ...cleo, stripe: slow });
  await asleep;
  await give(cleo, 500, "promo:meanwhile");
  await lapse(cleo);
  expect(await topUp(cleo)).toBe("abandoned");
  wake();
  expect(await sleeper).toBe("abandoned");
  expect(await chargesOf(cleo)).toEqual([]);
  expect(await ordersOf(cleo)).toMatchObject([{ status: "expired" }]);
});

test("keys are Stripe's memory for a day only: a run that died long ago is still charged once", async () => {
  for (const request of [3, 4, 5]) {
    const dan = await lowTenant("dan");
    expect(await runUntilDeath(dan, request, "after")).toBe(true);
    await made.advance({ days: 3 });
    await lapse(dan);
    for (let run = 0; run < 3; run += 1) await topUps(ctx);
    await expectOnePack(dan);
  }
});
