import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import { startCheckout } from "@/server/billing/checkout";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { jobs } from "@/server/jobs";
import { listOrders } from "@/server/orders/orders";
import { check } from "@/server/quota/check";
import { commit } from "@/server/quota/commit";
import { consume } from "@/server/quota/consume";
import { acquireLease } from "@/server/quota/leases";
import { reserve } from "@/server/quota/reserve";
import { status } from "@/server/quota/status";
import { subscriptionOf } from "@/server/subscriptions/subscription";
import { energyList } from "./energy-list";

const set = await stage({ prices: energyList, poolSize: 10 });
const { tenant, owner, clock, simulator, buy, advance } = set;

const DAY_MS = 86_400_000;
const spend = (of: TenantCtx, units: number) => consume(of, { feature: "energy", units });
const bought = async (of: TenantCtx) => (await balance(of)).available;
const may = async (of: TenantCtx, feature: string) => (await check(of, { feature })).allowed;
const planOf = async (of: TenantCtx) => {
  const { plan, source, endsAt } = await subscriptionOf(of);
  return { plan: plan.id, source, endsAt };
};
const inDays = (days: number) => new Date(clock.now().getTime() + days * DAY_MS);

test("every plan has its energy for the day, and not a unit more", async () => {
  for (const [plan, daily] of [
    [null, 350],
    ["standard", 1_500],
    ["premium", 8_000],
  ] as const) {
    const ada = await tenant("ada");
    if (plan) await buy(ada, { order: { plan } });
    expect(await spend(ada, daily)).toMatchObject({ allowed: true, limit: daily, remaining: 0 });
    expect(await spend(ada, 1)).toMatchObject({ allowed: false, reason: "no_credits", missing: 1 });
  }
});

test("the day begins at midnight where the tenant is, also when the clocks change; what was left is gone", async () => {
  const bo = await tenant("bo", "Europe/Berlin");
  clock.set("2026-03-28T22:59:59.999Z");
  expect(await spend(bo, 100)).toMatchObject({ resetsAt: new Date("2026-03-28T23:00:00Z"), remaining: 250 });
  clock.set("2026-03-28T23:00:00Z");
  expect(await spend(bo, 340)).toMatchObject({ resetsAt: new Date("2026-03-29T22:00:00Z"), remaining: 10 });
  clock.set("2026-03-29T22:00:00Z");
  expect(await spend(bo, 350)).toMatchObject({ allowed: true, remaining: 0 });
  expect(await spend(bo, 1)).toMatchObject({ allowed: false });
});

test("the day's energy is spent first; what was bought is a reserve, and kept for ever", async () => {
  const cleo = await tenant("cleo");
  await buy(cleo, { pack: "energy_100" });
  expect(await spend(cleo, 300)).toMatchObject({ drawn: { allowance: 300, credits: 0, lots: [] } });
  expect(await spend(cleo, 70)).toMatchObject({ drawn: { allowance: 50, credits: 20 } });
  clock.advance({ days: 3_000 });
  expect(await bought(cleo)).toBe(80);
  expect(await spend(cleo, 430)).toMatchObject({ drawn: { allowance: 350, credits: 80 } });
  expect(await spend(cleo, 1)).toMatchObject({ allowed: false });
  clock.set("2026-04-02T09:00:00Z");
});

test("energy costs a cent a unit: in packs of 100, 500 and 1,000, or any amount", async () => {
  const dan = await tenant("dan");
  for (const credits of [100, 500, 1_000]) await buy(dan, { pack: `energy_${credits}` });
  await buy(dan, { order: { credits: 77 } });
  const { orders } = await listOrders(dan);
  expect(orders.map(({ total }) => total.amountMinor)).toEqual([77n, 1_000n, 500n, 100n]);
  expect(await bought(dan)).toBe(1_677);
});

test("too little of both together: nothing is drawn, and the answer knows what would help", async () => {
  const eve = await tenant("ada");
  await buy(eve, { order: { credits: 20 } });
  const denied = await spend(eve, 400);
  expect(denied).toMatchObject({ allowed: false, used: 0, limit: 350, missing: 30, upgradeTo: "standard" });
  expect(denied.allowed ? [] : denied.waysOut).toMatchObject([
    { kind: "buy_credits", packs: [{ pack: "energy_100", count: 1 }], costMinor: 100 },
    { kind: "upgrade", plan: "standard", costMinor: 2_000, message: "Get Standard for 30 days at $20.00." },
  ]);
  expect(await bought(eve)).toBe(20);
});

test("requests at the same time spend the day and the reserve to the last unit, and none twice", async () => {
  const flo = await tenant("bo");
  await buy(flo, { order: { credits: 60 } });
  const receipts = await Promise.all(Array.from({ length: 100 }, () => spend(flo, 7)));
  const paid = receipts.filter((receipt) => receipt.allowed);
  expect(paid).toHaveLength(Math.floor(410 / 7));
  expect(paid.reduce((sum, { drawn }) => sum + drawn.allowance, 0)).toBe(350);
  expect(await bought(flo)).toBe(410 - 58 * 7);
});

test("a plan and energy are one checkout, one payment and one receipt; a second delivery changes nothing", async () => {
  const gil = await tenant("cleo");
  simulator.control.setMode({ duplicate: true });
  await buy(gil, { order: { plan: "standard", credits: 250 } });
  simulator.control.setMode({ duplicate: false });
  for (const event of simulator.events.filter(({ type }) => type === "checkout.session.completed").slice(-1))
    simulator.control.resend(event.id);
  await set.settled();
  expect(await planOf(gil)).toEqual({ plan: "standard", source: "prepaid", endsAt: inDays(30) });
  expect(await bought(gil)).toBe(250);
  const { orders } = await listOrders(gil);
  expect(orders).toMatchObject([
    {
      status: "fulfilled",
      lines: [
        { name: "Standard, 30 days", days: 30, amount: { amountMinor: 2_000n } },
        { name: "250 credits", credits: 250, amount: { amountMinor: 250n } },
      ],
      total: { amountMinor: 2_250n },
    },
  ]);
  const audits = await owner`
    select details from audit_events where tenant_id = ${gil.tenant.id} and action = 'order.fulfilled'`;
  expect(audits).toHaveLength(1);
  expect(audits[0]?.details).toMatchObject({
    session: expect.stringMatching(/^cs_/),
    payment: orders[0]?.paymentId,
    event: expect.stringMatching(/^evt_/),
    plan: "standard@1",
    days: 30,
    credits: 250,
    totalMinor: 2_250,
    currency: "usd",
  });
});

test("paying for the plan one has adds 30 days to the later of now and the current end", async () => {
  const hal = await tenant("dan");
  await buy(hal, { order: { plan: "standard" } });
  const first = inDays(30);
  await advance({ days: 10 });
  await buy(hal, { order: { plan: "standard" } });
  const second = new Date(first.getTime() + 30 * DAY_MS);
  expect(await planOf(hal)).toMatchObject({ plan: "standard", endsAt: second });
  await advance({ days: 60 });
  expect(await planOf(hal)).toEqual({ plan: "basic", source: "default", endsAt: null });
  await buy(hal, { order: { plan: "standard", periods: 2 } });
  expect(await planOf(hal)).toMatchObject({ plan: "standard", endsAt: inDays(60) });
});

test("an upgrade gives ceil(days left) × 500, premium's day at once, and runs on from the old end", async () => {
  const ida = await tenant("ada");
  await buy(ida, { order: { plan: "standard" } });
  const oldEnd = inDays(30);
  await spend(ida, 1_500);
  await advance({ days: 9, hours: 12 });
  await spend(ida, 1_500);
  await buy(ida, { order: { plan: "premium", credits: 100 } });
  expect(await planOf(ida)).toMatchObject({
    plan: "premium",
    endsAt: new Date(oldEnd.getTime() + 30 * DAY_MS),
  });
  expect(await bought(ida)).toBe(21 * 500 + 100);
  expect(await spend(ida, 1)).toMatchObject({ used: 1_501, limit: 8_000, remaining: 6_499 });
  const receipt = await spend(ida, 6_499 + 600);
  expect(receipt).toMatchObject({ drawn: { allowance: 6_499, credits: 600 } });
  const lots = await owner`
    select kind, remaining from lots where tenant_id = ${ida.tenant.id} order by priority`;
  expect(lots).toEqual([
    { kind: "compensation", remaining: String(21 * 500 - 600) },
    { kind: "purchase", remaining: "100" },
  ]);
  expect(await may(ida, "offline_processing")).toBe(true);
});

test("before any payment page: nothing to purchase, what isn't sold, too much, and a downgrade", async () => {
  const jo = await tenant("bo");
  await buy(jo, { order: { plan: "premium" } });
  const before = simulator.events.length;
  await expect(startCheckout(jo, { order: {} })).rejects.toThrow("Nothing to purchase.");
  for (const order of [
    { plan: "gold" },
    { credits: -1 },
    { credits: 0.5 },
    { credits: 1_000_001 },
    { plan: "basic" },
  ])
    await expect(startCheckout(jo, { order })).rejects.toMatchObject({ code: "INVALID_INPUT" });
  await expect(startCheckout(jo, { order: { plan: "standard", credits: 5 } })).rejects.toMatchObject({
    code: "CONFLICT",
    message: expect.stringContaining("Premium is paid for until"),
  });
  expect(simulator.events.length).toBe(before);
  await startCheckout(jo, { order: { credits: 1_000_000 } });
});

test("amounts below 1 and parts of a unit are no request at all", async () => {
  const jo = await tenant("cleo");
  for (const units of [0, -5, 0.5, Number.NaN, 2 ** 53])
    await expect(spend(jo, units)).rejects.toMatchObject({ code: "INVALID_INPUT" });
  const written =
    await owner`select 1 from entries where tenant_id = ${jo.tenant.id} and operation <> 'grant'`;
  expect(written).toEqual([]);
});

/** Premium with everything it gives in use, a millisecond before its end. */
async function aboutToEnd(): Promise<TenantCtx> {
  const kim = await tenant("dan");
  await buy(kim, { order: { plan: "premium", credits: 1_000 } });
  await consume(kim, { feature: "offline_slots", units: 2 });
  clock.set(new Date(inDays(30).getTime() - 1));
  expect(await spend(kim, 7_000)).toMatchObject({ limit: 8_000 });
  return kim;
}

test("when the time is over the tenant is on basic that very instant, with whatever it asks first", async () => {
  const asks: [string, (kim: TenantCtx) => Promise<unknown>, object][] = [
    ["consume", (kim) => spend(kim, 1), { limit: 350, used: 7_000, drawn: { allowance: 0, credits: 1 } }],
    ["check", (kim) => check(kim, { feature: "energy", units: 1 }), { limit: 350, allowed: true }],
    [
      "reserve",
      (kim) => reserve(kim, { feature: "energy", units: 2 }),
      { limit: 350, drawn: { credits: 2 } },
    ],
    ["a flag", (kim) => check(kim, { feature: "uploads" }), { allowed: false, reason: "not_in_plan" }],
    ["a level", (kim) => consume(kim, { feature: "offline_slots" }), { allowed: false, used: 2, limit: 0 }],
    [
      "a lease",
      (kim) => acquireLease(kim, { feature: "offline_jobs", key: "k" }),
      { allowed: false, limit: 0 },
    ],
    ["status", (kim) => status(kim), { plan: { id: "basic" } }],
  ];
  for (const [name, ask, expected] of asks) {
    const kim = await aboutToEnd();
    clock.advance({ seconds: 0.001 });
    expect(await ask(kim), name).toMatchObject(expected);
    expect(await planOf(kim), name).toEqual({ plan: "basic", source: "default", endsAt: null });
  }
});

test("many that notice the end at once, in one batch and in transactions, let the plan fall once", async () => {
  const kim = await aboutToEnd();
  clock.advance({ seconds: 0.001 });
  const receipts = await Promise.all([
    ...Array.from({ length: 30 }, () => spend(kim, 10)),
    ...Array.from({ length: 10 }, () => reserve(kim, { feature: "energy", units: 10 })),
  ]);
  for (const receipt of receipts)
    expect(receipt).toMatchObject({ allowed: true, limit: 350, planVersion: "basic@1" });
  expect(await bought(kim)).toBe(1_000 - 400);
  const falls = await owner`
    select 1 from audit_events where tenant_id = ${kim.tenant.id} and action = 'plan.changed' and subject = 'basic@1'
      and details ->> 'from' = 'premium@1'`;
  expect(falls).toHaveLength(1);
});

test("a hold from before the end is settled after it: what is more is drawn as basic has it", async () => {
  const kim = await aboutToEnd();
  const hold = await reserve(kim, { feature: "energy", units: 100, overflow: "overflow" });
  clock.advance({ seconds: 0.001 });
  const settledHold = await commit(kim, { holdId: "holdId" in hold ? hold.holdId : "", units: 150 });
  expect(settledHold).toMatchObject({ charged: 150, drawn: { allowance: 0, credits: 50 }, limit: 350 });
});

test("without a single request, cron lets the plan end, once; the next day has basic's energy", async () => {
  const kim = await aboutToEnd();
  clock.advance({ seconds: 0.001 });
  expect(await jobs.reset(set.ctx)).toMatchObject({ plansEnded: expect.any(Number) });
  expect(await jobs.reset(set.ctx)).toMatchObject({ plansEnded: 0 });
  const [row] =
    await owner`select plan_version, ends_at from tenant_plans where tenant_id = ${kim.tenant.id}`;
  expect(row).toEqual({ plan_version: "basic@1", ends_at: null });
  clock.advance({ days: 1 });
  expect(await spend(kim, 351)).toMatchObject({ drawn: { allowance: 350, credits: 1 } });
  for (const gone of ["uploads", "full_access", "offline_processing"])
    expect(await may(kim, gone)).toBe(false);
});

test("who paid for more meanwhile doesn't fall", async () => {
  const kim = await aboutToEnd();
  await buy(kim, { order: { plan: "premium" } });
  clock.advance({ seconds: 0.001 });
  expect(await spend(kim, 1)).toMatchObject({ limit: 8_000 });
  expect(await planOf(kim)).toMatchObject({ plan: "premium" });
});
