import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import { startCheckout } from "@/server/billing/checkout";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import type { CheckoutInput } from "@/server/orders/inputs";
import { listOrders } from "@/server/orders/orders";
import { check } from "@/server/quota/check";
import { consume } from "@/server/quota/consume";
import { subscriptionOf } from "@/server/subscriptions/subscription";
import { inbox } from "@/server/sync/jobs";
import { energyList } from "./energy-list";

const set = await stage({ prices: energyList, poolSize: 10 });
const { tenant, owner, clock, simulator, buy, pay, settled, advance } = set;

const DAY_MS = 86_400_000;
const FEATURES = ["uploads", "full_access", "offline_processing"] as const;
const spend = (of: TenantCtx, units: number) => consume(of, { feature: "energy", units });
const bought = async (of: TenantCtx) => (await balance(of)).available;
const planOf = async (of: TenantCtx) => (await subscriptionOf(of)).plan.id;
const endOf = async (of: TenantCtx) => (await subscriptionOf(of)).endsAt;
const inDays = (days: number) => new Date(clock.now().getTime() + days * DAY_MS);
const allowed = async (of: TenantCtx) => {
  const answers = await Promise.all(FEATURES.map((feature) => check(of, { feature })));
  return FEATURES.filter((_, at) => answers[at]!.allowed);
};

test.each([
  { plan: null, totalMinor: null, daily: 350, may: [] },
  { plan: "standard", totalMinor: 2_000n, daily: 1_500, may: ["uploads"] },
  { plan: "premium", totalMinor: 10_000n, daily: 8_000, may: [...FEATURES] },
])("what $plan costs for 30 days, and all that it allows", async ({ plan, totalMinor, daily, may }) => {
  const ada = await tenant("ada");
  if (plan) await buy(ada, { order: { plan } });
  const { orders } = await listOrders(ada);
  expect(orders.map(({ total }) => total.amountMinor)).toEqual(totalMinor === null ? [] : [totalMinor]);
  expect(await endOf(ada)).toEqual(plan ? inDays(30) : null);
  expect(await allowed(ada)).toEqual(may);
  expect(await spend(ada, 1)).toMatchObject({ limit: daily });
});

test("whose purchase it is comes from the session: a request that names another tenant or user is none", async () => {
  const [bo, cleo] = [await tenant("bo"), await tenant("cleo")];
  for (const extra of [{ tenantId: cleo.tenant.id }, { userId: "usr_0" }, { totalMinor: 1 }]) {
    const wish = { order: { credits: 100, ...extra } } as CheckoutInput;
    await expect(startCheckout(bo, wish)).rejects.toMatchObject({ code: "INVALID_INPUT" });
  }
  await buy(bo, { order: { credits: 100 } });
  expect([await bought(bo), await bought(cleo)]).toEqual([100, 0]);
});

test("a failure between the payment and what it gives loses nothing, and gives once", async () => {
  const dan = await tenant("dan");
  await owner.unsafe(`
    create function fail_once() returns trigger language plpgsql as $$ begin raise exception 'out of order'; end $$;
    create trigger fail_once before insert on lots for each row when (new.tenant_id = '${dan.tenant.id}') execute function fail_once()`);
  simulator.control.setMode({ hold: true });
  await pay((await startCheckout(dan, { order: { plan: "standard", credits: 500 } })).url);
  simulator.control.setMode({ hold: false });
  await settled();
  const traces = () =>
    owner`select 1 from audit_events where tenant_id = ${dan.tenant.id} and action = 'order.fulfilled'`;
  expect([await bought(dan), await planOf(dan), (await traces()).length]).toEqual([0, "basic", 0]);
  await owner.unsafe("drop trigger fail_once on lots; drop function fail_once()");
  for (const { id, type } of simulator.events)
    if (type.startsWith("checkout.session.")) simulator.control.resend(id);
  await settled();
  // The back-off is over.
  await owner`update webhook_inbox set available_at = clock_timestamp() where status = 'pending'`;
  await inbox(set.ctx);
  expect([await bought(dan), await planOf(dan), (await traces()).length]).toEqual([500, "standard", 1]);
});

test("a tenant's whole story: basic, standard, a reserve, more days, premium, and basic again", async () => {
  const eve = await tenant("eve");
  const startAt = clock.now().getTime();
  const day = (days: number) => new Date(startAt + days * DAY_MS);
  expect(await spend(eve, 351)).toMatchObject({ allowed: false, missing: 1, upgradeTo: "standard" });
  await buy(eve, { order: { plan: "standard", pack: "energy_500" } });
  expect(await spend(eve, 1_600)).toMatchObject({ drawn: { allowance: 1_500, credits: 100 } });
  await advance({ days: 20 });
  await buy(eve, { order: { plan: "standard" } });
  expect(await endOf(eve)).toEqual(day(60));
  await advance({ days: 24, hours: 12 });
  await buy(eve, { order: { plan: "premium", credits: 50 } });
  // 15.5 days are left of standard: 16 × 500.
  expect([await planOf(eve), await endOf(eve), await bought(eve)]).toEqual([
    "premium",
    day(90),
    400 + 50 + 8_000,
  ]);
  expect(await spend(eve, 8_000 + 8_100)).toMatchObject({ drawn: { allowance: 8_000, credits: 8_100 } });
  await advance({ days: 45, hours: 12 });
  expect(await allowed(eve)).toEqual([]);
  expect([await planOf(eve), await endOf(eve), await bought(eve)]).toEqual(["basic", null, 350]);
  expect(await spend(eve, 360)).toMatchObject({ limit: 350, drawn: { allowance: 350, credits: 10 } });
  const { orders } = await listOrders(eve);
  expect(orders.map(({ total }) => total.amountMinor)).toEqual([10_050n, 2_000n, 2_500n]);
});
