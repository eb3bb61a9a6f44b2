import { fourteenMonths, LONG_STORY_ENDS, longStoryPrices } from "@tests/reconcile/long-story";
import { seed } from "@tests/support/seed";
import { stage } from "@tests/support/stage";
import { tell } from "@tests/sync/story";
import fc from "fast-check";
import type Stripe from "stripe";
import { beforeAll, expect, test } from "vitest";
import { reconcileAll } from "@/server/reconcile/jobs";
import { findAllDrift } from "@/server/reconcile/reconcile";
import { stripeEvents } from "@/server/sync/handlers";
import { syncCustomer } from "@/server/sync/sync";
import { topUps } from "@/server/top-ups/jobs";
import { Checkpoints } from "./checkpoints";
import { path, runs, TIMEOUT_MS } from "./runs";

const set = await stage({ prices: longStoryPrices });
const { ctx, tenant, owner, simulator, clock } = set;

/** What a story changes; left out is what differs from run to run: random ids, who told, how often we were asked. */
const TABLES: Record<string, string> = {
  subscriptions: "to_jsonb(t)",
  subscription_trials: "to_jsonb(t)",
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
/** Then what Stripe has and we know nothing of: payments of what was bought after a checkpoint. */
const DRIFT =
  "select concat_ws(' ', 'drift:', kind, subject, ours, theirs) as row from public.drifts where healed_at is null";
const OUTCOME = Object.entries(TABLES)
  .map(([table, columns]) => `select '${table}: ' || (${columns})::text as row from public.${table} t`)
  .concat(DRIFT)
  .join(" union all ");

async function outcome(): Promise<string[]> {
  const rows = await owner.unsafe(OUTCOME);
  return rows.map(({ row }) => String(row)).sort();
}

const passTo = async (instant: string) => {
  clock.set(instant);
  await simulator.control.advanceTo(clock.now());
};

let checkpoints: Checkpoints;
/** What was done, and the acts after which a checkpoint was kept. */
const acts: string[] = [];
const kept: number[] = [];
/** Oldest first; those of one second stand together, for Stripe says no more about their order. */
const instants: Stripe.Event[][] = [];

/** No event is delivered: what is known at a checkpoint, the acts themselves have looked up. */
beforeAll(async () => {
  checkpoints = await Checkpoints.of(owner);
  simulator.control.setMode({ hold: true });
  const ada = await tenant("ada");
  const story = fourteenMonths(set, ada);
  for (const [place, { at, what, run }] of story.entries()) {
    await passTo(at);
    // Somebody who acts has a page before them, which has looked.
    await syncCustomer(ada);
    await run();
    await topUps(ctx);
    acts.push(what);
    if ((story.length - 1 - place) % runs.checkpointStep > 0) continue;
    await checkpoints.save(place);
    kept.push(place);
  }
  await passTo(LONG_STORY_ENDS);
  for (const event of simulator.events) {
    if (!Object.hasOwn(stripeEvents, event.type) || /^(product|price)\./.test(event.type)) continue;
    const last = instants.at(-1);
    if (last?.[0]?.created === event.created) last.push(event);
    else instants.push([event]);
  }
}, TIMEOUT_MS);

const tellAtOnce = (events: readonly Stripe.Event[]) => Promise.all(events.map((event) => tell(set, event)));

const oracles = new Map<number, string[]>();
/** How it ends from a checkpoint on when all is told once, in order, and reconciled. */
async function oracleOf(checkpoint: number): Promise<string[]> {
  const known = oracles.get(checkpoint);
  if (known) return known;
  await checkpoints.restore(checkpoint);
  for (const events of instants) await tellAtOnce(events);
  await reconcileAll(ctx);
  const found = await outcome();
  oracles.set(checkpoint, found);
  return found;
}

test("the story has every kind of event that moves a plan or money, and the last act's end has them all", async () => {
  expect(instants.flat().map(({ type }) => type)).toEqual(
    expect.arrayContaining([
      "checkout.session.completed",
      "customer.subscription.created",
      "customer.subscription.trial_will_end",
      "customer.subscription.updated",
      "customer.subscription.deleted",
      "invoice.paid",
      "invoice.payment_failed",
      "payment_intent.succeeded",
      "refund.created",
      "charge.dispute.created",
      "charge.dispute.closed",
    ]),
  );
  const end = await oracleOf(acts.length - 1);
  expect(await findAllDrift(ctx)).toEqual([]);
  const rows = (table: string) => end.filter((row) => row.startsWith(`${table}: `)).length;
  expect(["subscriptions", "orders", "refunds", "disputes", "drift"].map(rows)).toEqual([1, 6, 1, 2, 0]);
});

/** Of each event so many copies are told, and those without one are lost: most of them, some, a few. */
const COPIES = [
  { weight: 5, arbitrary: fc.constant([...Array(18).fill(0), 1, 2]) },
  { weight: 3, arbitrary: fc.constant([...Array(8).fill(0), 1, 3]) },
  { weight: 1, arbitrary: fc.constant([0, 1, 1, 1, 2]) },
] as const;

test(`${runs.tellings} tellings of fourteen months, from any act on, in any order, with repeats, gaps and some at once, and then a reconciliation: the same tables`, {
  timeout: TIMEOUT_MS,
}, async () => {
  const events = instants.flat();
  const ofEach = { minLength: events.length, maxLength: events.length };
  // Indices, so that a counterexample is short.
  const order = fc
    .oneof(...COPIES)
    .chain((copies) => fc.array(fc.constantFrom(...copies), ofEach))
    .map((copies) => copies.flatMap((count, at) => Array.from({ length: count }, () => at)))
    .chain((told) => fc.shuffledSubarray(told, { minLength: told.length }));
  const telling = fc.record({
    from: fc.constantFrom(...kept),
    order,
    atOnce: fc.integer({ min: 1, max: 20 }),
  });
  await fc.assert(
    fc.asyncProperty(telling, async ({ from, order: told, atOnce }) => {
      const end = await oracleOf(from);
      await checkpoints.restore(from);
      for (let at = 0; at < told.length; at += atOnce)
        await tellAtOnce(told.slice(at, at + atOnce).map((one) => events[one]!));
      expect(await reconcileAll(ctx)).toMatchObject({ customersFailed: 0, quarantined: 0 });
      expect([acts[from], await outcome()]).toEqual([acts[from], end]);
    }),
    { numRuns: runs.tellings, seed, ...(path !== undefined && { path }), endOnFailure: true },
  );
});
