import fc from "fast-check";
import type Stripe from "stripe";
import { beforeAll, expect, test } from "vitest";
import { ensureCustomer } from "@/server/billing/customer";
import { stage } from "./stage";
import { eventsOf, storyOf, tell } from "./story";

const set = await stage();
const { tenant, owner } = set;

/** What a story changes, with what differs from run to run (random ids, who told) left out. */
const TABLES: Record<string, string> = {
  subscriptions: "to_jsonb(t)",
  tenant_plans: "to_jsonb(t)",
  checkouts: "to_jsonb(t)",
  orders: "to_jsonb(t)",
  meters: "to_jsonb(t)",
  lots: "to_jsonb(t) - 'id'",
  entries: "to_jsonb(t) - array['id', 'idempotency_key', 'lot_ids', 'actor', 'properties']",
  audit_events: "to_jsonb(t) - array['id', 'actor'] #- '{details,event}'",
  outbox: "to_jsonb(t) - 'id'",
};
const RESTORED = [...Object.keys(TABLES), "customers", "webhook_inbox"];

let events: Stripe.Event[] = [];
let expected: Record<string, string[]> = {};

/** All of the story is told afterwards: once in order, which is the oracle, and then in whatever order. */
beforeAll(async () => {
  const ada = await tenant("ada");
  for (const step of storyOf(set, ada)) await step();
  events = eventsOf(set, await ensureCustomer(ada));
  await owner.unsafe("create schema before");
  for (const table of RESTORED)
    await owner.unsafe(`create table before.${table} as select * from public.${table}`);
  for (const event of events) await tell(set, event);
  expected = await outcome();
});

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

test("the story has the events of a subscription's life and a purchase, and they change the plan", () => {
  expect(events.map(({ type }) => type)).toEqual(
    expect.arrayContaining([
      "checkout.session.completed",
      "customer.subscription.created",
      "customer.subscription.updated",
      "invoice.paid",
    ]),
  );
  expect(JSON.parse(expected.tenant_plans?.[0] ?? "")).toMatchObject({ plan_version: "enterprise@1" });
  expect(JSON.parse(expected.subscriptions?.[0] ?? "")).toMatchObject({
    status: "active",
    amount_minor: 9_900,
    cancel_at: expect.stringContaining("2026-05-02"),
  });
  expect(expected.lots).toHaveLength(1);
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
      // Indices, so that a counterexample is short.
      const told = copies.flatMap((count, at) =>
        at === lost ? [] : Array.from({ length: count }, () => at),
      );
      const order = fc.shuffledSubarray(told, { minLength: told.length });
      return fc.record({ order, atOnce: fc.integer({ min: 1, max: 6 }) });
    });
  await fc.assert(
    fc.asyncProperty(telling, async ({ order, atOnce }) => {
      await rewind();
      for (let from = 0; from < order.length; from += atOnce)
        await Promise.all(order.slice(from, from + atOnce).map((at) => tell(set, events[at]!)));
      expect(await outcome()).toEqual(expected);
    }),
    { numRuns: 200, endOnFailure: true },
  );
}, 300_000);
