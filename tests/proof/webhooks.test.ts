import { stage } from "@tests/billing/stage";
import { tell } from "@tests/billing/story";
import { seed } from "@tests/support/seed";
import fc from "fast-check";
import type Stripe from "stripe";
import { beforeAll, expect, test } from "vitest";
import { startCheckout } from "@/server/billing/checkout";
import { ensureCustomer } from "@/server/billing/customer";
import { stripeEvents } from "@/server/billing/handlers";
import { reconcileAll } from "@/server/billing/jobs";
import { openPortal } from "@/server/billing/portal";
import { findAllDrift } from "@/server/billing/reconcile";
import type { TenantCtx } from "@/server/context";
import { path, runs, TIMEOUT_MS } from "./runs";

const set = await stage();
const { ctx, tenant, owner, simulator, stripe, clock, pay } = set;

/** What a story changes; left out is what differs from run to run: random ids, who told, how often we were asked. */
const TABLES: Record<string, string> = {
  subscriptions: "to_jsonb(t)",
  tenant_plans: "to_jsonb(t)",
  checkouts: "to_jsonb(t)",
  orders: "to_jsonb(t) - array['money_back_asked', 'money_back_seen']",
  order_lines: "to_jsonb(t)",
  refunds: "to_jsonb(t)",
  disputes: "to_jsonb(t)",
  meters: "to_jsonb(t)",
  credit_accounts: "to_jsonb(t)",
  lots: "to_jsonb(t) - 'id'",
  debts: "to_jsonb(t) - array['id', 'lot_id']",
  entries:
    "to_jsonb(t) - array['id', 'idempotency_key', 'lot_ids', 'lot_id', 'parent_id', 'actor', 'properties']",
};
/** Told as it happens, so how much is told depends on what was known when: it is put back, and not compared. */
const ALSO = [
  "customers",
  "webhook_inbox",
  "audit_events",
  "outbox",
  "auto_top_ups",
  "top_up_attempts",
  "drifts",
  "walks",
];
const RESTORED = [...Object.keys(TABLES), ...ALSO];

/** Subscribes, tops up, upgrades by the portal, renews, is refunded in part, disputed and won, and cancels. */
function story(ada: TenantCtx): (() => Promise<unknown>)[] {
  let pages: { url: string }[] = [];
  const portal = async (step: string, fields: Record<string, string> = {}) => {
    const { data } = await stripe.subscriptions.list({ customer: await ensureCustomer(ada) });
    const body = new URLSearchParams({ subscription: data[0]!.id, ...fields });
    await fetch(`${(await openPortal(ada)).url}${step}`, { method: "POST", body, redirect: "manual" });
  };
  const payments = async () => {
    const { data } = await stripe.checkout.sessions.list({ customer: await ensureCustomer(ada), limit: 100 });
    return data.flatMap(({ payment_intent }) => (typeof payment_intent === "string" ? [payment_intent] : []));
  };
  return [
    async () => {
      simulator.control.setMode({ hold: true });
      const plan = await startCheckout(ada, { plan: "pro", interval: "month" });
      pages = [plan, await startCheckout(ada, { pack: "credits_500" })];
    },
    () => pay(pages[0]!.url),
    () => pay(pages[1]!.url),
    async () => {
      const [row] = await owner`select price_id from stripe_prices where lookup_key = 'enterprise@1:month'`;
      await portal("/switch", { price: String(row?.price_id) });
    },
    async () => {
      clock.advance({ days: 32 });
      await simulator.control.advanceTo(clock.now());
    },
    async () => stripe.refunds.create({ payment_intent: (await payments())[0], amount: 300 }),
    async () => {
      const dispute = simulator.control.openDispute({ payment: (await payments())[0]!, amount: 200 });
      simulator.control.setDispute(dispute.id, "lost");
    },
    () => portal("/cancel"),
    async () => {
      clock.advance({ minutes: 5 });
      await simulator.control.advanceTo(clock.now());
    },
  ];
}

let events: Stripe.Event[] = [];
let expected: Record<string, string[]> = {};

beforeAll(async () => {
  const ada = await tenant("ada");
  for (const step of story(ada)) await step();
  const isAsked = ({ type }: Stripe.Event) => Object.hasOwn(stripeEvents, type);
  events = simulator.events.filter((event) => isAsked(event) && !/^(product|price)\./.test(event.type));
  await owner.unsafe("create schema before");
  for (const table of RESTORED)
    await owner.unsafe(`create table before.${table} as select * from public.${table}`);
  for (const event of events) await tell(set, event);
  expected = await outcome();
}, TIMEOUT_MS);

/** What Postgres works out by itself can't be written. */
async function writable(table: string): Promise<string> {
  const rows = await owner`
    select quote_ident(column_name) as name from information_schema.columns
    where table_schema = 'public' and table_name = ${table} and is_generated = 'NEVER'`;
  return rows.map(({ name }) => name).join(", ");
}

async function rewind(): Promise<void> {
  await owner.begin(async (sql) => {
    await sql`set local session_replication_role = replica`;
    for (const table of RESTORED) {
      await sql.unsafe(`delete from public.${table}`);
      const columns = await writable(table);
      await sql.unsafe(`insert into public.${table} (${columns}) select ${columns} from before.${table}`);
    }
  });
}

async function outcome(): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  for (const [table, columns] of Object.entries(TABLES)) {
    const rows = await owner.unsafe(`select ${columns} as row from public.${table} t`);
    found[table] = rows.map(({ row }) => JSON.stringify(row)).sort();
  }
  return found;
}

test("the story has every kind of event that moves a plan or money", () => {
  expect(events.map(({ type }) => type)).toEqual(
    expect.arrayContaining([
      "checkout.session.completed",
      "customer.subscription.created",
      "customer.subscription.updated",
      "invoice.paid",
      "refund.created",
      "charge.dispute.created",
      "charge.dispute.closed",
    ]),
  );
  expect(JSON.parse(expected.tenant_plans?.[0] ?? "")).toMatchObject({ plan_version: "enterprise@1" });
  expect(expected.refunds).toHaveLength(1);
  expect(expected.disputes).toHaveLength(1);
});

test(`${runs.tellings} tellings in any order, with repeats, gaps and some at once, and then a reconciliation: the same tables`, {
  timeout: TIMEOUT_MS,
}, async () => {
  const telling = fc
    .array(fc.constantFrom(0, 0, 1, 1, 1, 2, 3), { minLength: events.length, maxLength: events.length })
    .chain((copies) => {
      // Indices, so that a counterexample is short. No copy at all: that event is lost.
      const told = copies.flatMap((count, at) => Array.from({ length: count }, () => at));
      const order = fc.shuffledSubarray(told, { minLength: told.length });
      return fc.record({ order, atOnce: fc.integer({ min: 1, max: 6 }) });
    });
  await fc.assert(
    fc.asyncProperty(telling, async ({ order, atOnce }) => {
      await rewind();
      for (let from = 0; from < order.length; from += atOnce)
        await Promise.all(order.slice(from, from + atOnce).map((at) => tell(set, events[at]!)));
      expect(await reconcileAll(ctx)).toMatchObject({ customersFailed: 0, driftsLeft: 0, quarantined: 0 });
      expect(await outcome()).toEqual(expected);
      expect(await findAllDrift(ctx)).toEqual([]);
    }),
    { numRuns: runs.tellings, seed, ...(path !== undefined && { path }), endOnFailure: true },
  );
});
