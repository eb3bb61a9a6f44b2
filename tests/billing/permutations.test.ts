import fc from "fast-check";
import type Stripe from "stripe";
import { beforeAll, expect, test } from "vitest";
import { startCheckout } from "@/server/billing/checkout";
import { ensureCustomer } from "@/server/billing/customer";
import { openPortal } from "@/server/billing/portal";
import type { TenantCtx } from "@/server/context";
import { stage } from "./stage";

const { tenant, owner, simulator, stripe, clock, pay, post, secret } = await stage();

/** What a story changes, with what differs from run to run (random ids, who told) left out. */
const TABLES: Record<string, string> = {
  subscriptions: "to_jsonb(t)",
  tenant_plans: "to_jsonb(t)",
  checkouts: "to_jsonb(t)",
  meters: "to_jsonb(t)",
  lots: "to_jsonb(t) - 'id'",
  entries: "to_jsonb(t) - array['id', 'idempotency_key', 'actor', 'properties']",
  audit_events: "to_jsonb(t) - array['id', 'actor']",
  draws: "to_jsonb(t)",
  outbox: "to_jsonb(t) - 'id'",
};
const RESTORED = [...Object.keys(TABLES), "customers", "webhook_inbox"];
const HANDLED = /^(checkout\.session|customer\.subscription|invoice\.paid|invoice\.payment_failed)/;

let events: Stripe.Event[] = [];
let expected: unknown;

/** The story is played with every delivery held back, so that all of it is told afterwards, in whatever order. */
beforeAll(async () => {
  const ada = await tenant("ada");
  simulator.control.setMode({ hold: true });
  const known = new Set(simulator.events.map(({ id }) => id));
  await play(ada);
  events = simulator.events.filter(
    ({ id, type }) => !known.has(id) && (HANDLED.test(type) || /^charge/.test(type)),
  );
  await owner.unsafe("create schema before");
  for (const table of RESTORED)
    await owner.unsafe(`create table before.${table} as select * from public.${table}`);
  for (const event of events) await tell(event);
  expected = await outcome();
});

async function play(ctx: TenantCtx): Promise<void> {
  const pages = [
    await startCheckout(ctx, { plan: "pro", interval: "month" }),
    await startCheckout(ctx, { pack: "credits_500" }),
  ];
  for (const { url } of pages) await pay(url);
  const { data } = await stripe.subscriptions.list({ customer: await ensureCustomer(ctx) });
  const id = data[0]!.id;
  const [enterprise] =
    await owner`select price_id from stripe_prices where lookup_key = 'enterprise@1:month'`;
  const portal = (await openPortal(ctx)).url;
  await press(`${portal}/switch`, { subscription: id, price: String(enterprise?.price_id) });
  clock.advance({ days: 32 });
  await simulator.control.advanceTo(clock.now());
  await press(`${portal}/cancel`, { subscription: id });
}

async function press(url: string, fields: Record<string, string>): Promise<void> {
  await fetch(url, { method: "POST", body: new URLSearchParams(fields), redirect: "manual" });
}

async function tell(event: Stripe.Event): Promise<void> {
  const payload = JSON.stringify(event);
  const signature = await stripe.webhooks.generateTestHeaderStringAsync({ payload, secret });
  const headers = { "stripe-signature": signature };
  const answer = await post(new Request("http://app.test", { method: "POST", headers, body: payload }));
  expect(answer.status).toBe(200);
}

async function rewind(): Promise<void> {
  await owner.begin(async (sql) => {
    await sql`set local session_replication_role = replica`;
    for (const table of RESTORED) {
      await sql.unsafe(`delete from public.${table}`);
      await sql.unsafe(`insert into public.${table} select * from before.${table}`);
    }
  });
}

async function outcome(): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const [table, columns] of Object.entries(TABLES)) {
    const rows = await owner.unsafe(`select ${columns} as row from public.${table} t`);
    found[table] = rows.map(({ row }) => JSON.stringify(row)).sort();
  }
  return found;
}

test("the story has the events of a subscription's life and a purchase, and they change the plan", async () => {
  expect(events.map(({ type }) => type)).toEqual(
    expect.arrayContaining([
      "checkout.session.completed",
      "customer.subscription.created",
      "customer.subscription.updated",
      "invoice.paid",
    ]),
  );
  const tables = expected as Record<string, string[]>;
  expect(tables.tenant_plans?.[0]).toContain("enterprise@1");
  expect(tables.subscriptions?.[0]).toContain('"cancel_at": "2026-05'.replace(": ", ":"));
  expect(tables.lots).toHaveLength(1);
});

test("200 shuffles of the events, with repeats, one lost and some at once, end in the same tables", async () => {
  const telling = fc
    .record({
      lost: fc.nat(events.length - 1),
      copies: fc.array(fc.integer({ min: 1, max: 3 }), {
        minLength: events.length,
        maxLength: events.length,
      }),
    })
    .chain(({ lost, copies }) => {
      const told = events.flatMap((event, at) => (at === lost ? [] : Array(copies[at] ?? 1).fill(event)));
      const order = fc.shuffledSubarray(told as Stripe.Event[], { minLength: told.length });
      return fc.record({ order, atOnce: fc.integer({ min: 1, max: 6 }) });
    });
  await fc.assert(
    fc.asyncProperty(telling, async ({ order, atOnce }) => {
      await rewind();
      for (let from = 0; from < order.length; from += atOnce)
        await Promise.all(order.slice(from, from + atOnce).map(tell));
      expect(await outcome()).toEqual(expected);
    }),
    { numRuns: 200, endOnFailure: true },
  );
}, 300_000);
