import { sessionIdOf, stage } from "@tests/support/stage";
import type Stripe from "stripe";
import { expect, test } from "vitest";
import { startCheckout } from "@/server/billing/checkout";
import { completeReturn } from "@/server/billing/return";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { lifetime } from "@/server/credits/lifetime";
import type { CheckoutInput } from "@/server/orders/inputs";
import { knownCustomer } from "@/server/stripe/customer";
import { inbox } from "@/server/sync/jobs";
import { syncCustomer } from "@/server/sync/sync";
import { eventsOf, tell } from "./story";

const set = await stage({ poolSize: 10 });
const { ctx, tenant, owner, simulator, pay, settled, advance } = set;

/** The same fact under ids of its own, as Stripe tells it to a second endpoint, or once more after a change of API version. */
const underOtherIds = (events: Stripe.Event[], count: number) =>
  Array.from({ length: count }, (_, at) =>
    events.map((event) => ({ ...event, id: `${event.id}_${at}` })),
  ).flat();

/** Every way in which we may hear of a payment, all at the same moment and most of them many times. */
async function tellEveryWay(of: TenantCtx, location: string | null): Promise<void> {
  const events = eventsOf(set, (await knownCustomer(of))!);
  const sessionId = sessionIdOf(location);
  await Promise.all([
    ...[...events, ...events, ...underOtherIds(events, 3)].map((event) => tell(set, event)),
    ...Array.from({ length: 20 }, () => completeReturn(of, { sessionId })),
    ...Array.from({ length: 20 }, () => syncCustomer(of)),
    ...Array.from({ length: 10 }, () => inbox(ctx)),
  ]);
}

const facts = async (of: TenantCtx) => ({
  lots: (
    await owner`select granted::int from lots where tenant_id = ${of.tenant.id} and kind = 'purchase' order by source`
  ).map(({ granted }) => Number(granted)),
  orders: (await owner`select status from orders where tenant_id = ${of.tenant.id}`).map(
    ({ status }) => status,
  ),
  fulfilled: (
    await owner`select 1 from audit_events where tenant_id = ${of.tenant.id} and action = 'order.fulfilled'`
  ).length,
  plans: (
    await owner`select subject from audit_events where tenant_id = ${of.tenant.id} and action = 'plan.changed' and subject <> 'free@1'`
  ).map(({ subject }) => subject),
});

const wishes: { what: string; wish: CheckoutInput; lots: number[]; plans: string[] }[] = [
  { what: "a pack", wish: { pack: "credits_500" }, lots: [500], plans: [] },
  { what: "an amount", wish: { order: { credits: 120 } }, lots: [120], plans: [] },
  {
    what: "a pack and an amount",
    wish: { order: { pack: "credits_100", credits: 30 } },
    lots: [100, 30],
    plans: [],
  },
  {
    what: "a subscription with credits on its first invoice",
    wish: { order: { plan: "pro", credits: 250 } },
    lots: [250],
    plans: ["pro@1"],
  },
];

test.each(wishes)(
  "$what is given once: told by webhooks under several ids, the return page, syncs and sweeps, all at once",
  async ({ wish, lots, plans }) => {
    const ada = await tenant("ada");
    simulator.control.setMode({ hold: true });
    const { location } = await pay((await startCheckout(ada, wish)).url);
    await tellEveryWay(ada, location);
    const given = { lots, orders: ["fulfilled"], fulfilled: 1, plans };
    expect(await facts(ada)).toEqual(given);
    await tellEveryWay(ada, location);
    simulator.control.setMode({ hold: false });
    await settled();
    expect(await facts(ada)).toEqual(given);
    const total = lots.reduce((sum, units) => sum + units, 0);
    expect((await balance(ada)).available).toBe(total);
    expect(await lifetime(ada)).toMatchObject({ granted: total, consumed: 0, remaining: total });
  },
);

test("a paid invoice under two event ids, now and again after the renewal, brings no credits that it did not sell", async () => {
  const bo = await tenant("bo");
  await set.buy(bo, { order: { plan: "pro", credits: 250 } });
  await advance({ days: 32 });
  const paid = eventsOf(set, (await knownCustomer(bo))!).filter(({ type }) => type === "invoice.paid");
  expect(paid).toHaveLength(2);
  await Promise.all(underOtherIds(paid, 25).map((event) => tell(set, event)));
  expect(await facts(bo)).toMatchObject({ lots: [250], fulfilled: 1, plans: ["pro@1"] });
});

test("the same pack bought twice is two facts, each given once", async () => {
  const cleo = await tenant("cleo");
  for (const count of [1, 2]) {
    simulator.control.setMode({ hold: true });
    const { location } = await pay((await startCheckout(cleo, { pack: "credits_100" })).url);
    await tellEveryWay(cleo, location);
    simulator.control.setMode({ hold: false });
    await settled();
    expect(await facts(cleo)).toMatchObject({ lots: Array(count).fill(100), fulfilled: count });
  }
});

test("an event about a payment that this business never sold gives nothing to anybody", async () => {
  const dan = await tenant("dan");
  simulator.control.setMode({ hold: true });
  const { location } = await pay((await startCheckout(dan, { pack: "credits_100" })).url);
  const [session] = eventsOf(set, (await knownCustomer(dan))!).filter(
    ({ type }) => type === "checkout.session.completed",
  );
  const object = { ...session!.data.object, id: "cs_somebody_elses", amount_total: 1_000_000 };
  await tell(set, { ...session!, id: "evt_forged", data: { object } } as Stripe.Event);
  // What the event says counts for nothing: we looked at Stripe, where one pack was paid.
  expect(await facts(dan)).toMatchObject({ lots: [100], fulfilled: 1 });
  await tellEveryWay(dan, location);
  simulator.control.setMode({ hold: false });
  await settled();
  expect(await facts(dan)).toMatchObject({ lots: [100], fulfilled: 1 });
});
