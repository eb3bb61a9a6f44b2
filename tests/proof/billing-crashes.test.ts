import { seed } from "@tests/support/seed";
import { stage } from "@tests/support/stage";
import { beforeAll, expect, test, vi } from "vitest";
import type { TenantCtx } from "@/server/context";
import { type Acts, allActs } from "./billing-acts";
import { Mortal } from "./mortal";
import { runs, TIMEOUT_MS } from "./runs";

const set = await stage({ poolSize: 4 });
const { tenant, owner, appUrl, simulator, stripe } = set;

/** All that is left behind at Stripe for one tenant. */
async function atStripe({ tenant: { id } }: TenantCtx) {
  const [row] =
    await owner`select customer_id, requested = synced as synced from customers where tenant_id = ${id}`;
  const of = { customer: String(row?.customer_id), limit: 100 };
  const made = await stripe.customers.list({ limit: 100 }).autoPagingToArray({ limit: 10_000 });
  const subscriptions = (await stripe.subscriptions.list({ ...of, status: "all" })).data;
  const intents = (await stripe.paymentIntents.list(of)).data;
  const ids = new Set(intents.map((intent) => intent.id));
  const refunds = (await stripe.refunds.list({ limit: 100 })).data;
  return {
    customers: made.filter(({ metadata }) => metadata.tenantId === id).length,
    sessions: (await stripe.checkout.sessions.list(of)).data.length,
    subscriptions: subscriptions.map(({ status, cancel_at_period_end: ends, schedule }) => ({
      status,
      ends,
      isScheduled: schedule !== null,
    })),
    invoices: (await stripe.invoices.list(of)).data.map(({ total, status }) => [total, status]),
    payments: intents.map(({ amount, status }) => [amount, status]),
    refunds: refunds
      .filter(({ payment_intent }) => ids.has(String(payment_intent)))
      .map(({ amount, status }) => [amount, status]),
  };
}

/** And in our own tables. */
async function here({ tenant: { id } }: TenantCtx) {
  const of = async (columns: string, table: string, where = "true") =>
    (await owner.unsafe(`select ${columns} from ${table} where tenant_id = $1 and ${where}`, [id]))
      .map((row) => ({ ...row }))
      .sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
  const words = (rows: Record<string, unknown>[]) => rows.map(({ words: said }) => said);
  return {
    orders: await of("status, total_minor, money_back_minor", "orders"),
    lots: await of("granted, remaining, taken_back", "lots"),
    entries: await of("operation, units", "entries"),
    checkouts: await of("status", "checkouts"),
    plans: words(await of("plan_version as words", "tenant_plans")),
    changes: words(
      await of("to_version || ' ' || status as words", "plan_changes", "status not in ('dropped', 'failed')"),
    ),
    attempts: await of("status", "top_up_attempts"),
  };
}

const traces = async (ctx: TenantCtx) => ({ ...(await atStripe(ctx)), ...(await here(ctx)) });

/** Whoever died had a turn; a minute later it is over. */
async function lapse({ tenant: { id } }: TenantCtx): Promise<void> {
  await owner`update customers set lease_ends_at = null where tenant_id = ${id}`;
  await owner`update top_up_attempts set lease_ends_at = null where tenant_id = ${id}`;
}

/** Plays the acts in a process that dies at a point, and from there again in one that lives. @returns the points passed */
async function play(acts: Acts, ctx: TenantCtx, failAt: number): Promise<number> {
  await acts.begin(ctx);
  const mortal = new Mortal(failAt, { appUrl, stripe });
  const acting = mortal.ctx(ctx);
  let at = 0;
  for (; at < acts.steps.length; at += 1) {
    const step = acts.steps[at]!(acting).then(() => "done" as const);
    // What a dead process would still throw is heard by nobody.
    step.catch(() => {});
    if ((await Promise.race([step, mortal.death])) === "died") break;
  }
  await mortal.bury();
  await lapse(ctx);
  for (const step of acts.steps.slice(at)) await step(ctx);
  return mortal.points;
}

beforeAll(() => simulator.control.setMode({ hold: true }));

test.each(allActs(set))(
  "dead at any statement or request of $what: asked again, all is there once",
  {
    timeout: TIMEOUT_MS,
  },
  async (acts) => {
    // The dead still complain that their connection is gone.
    const complaints = vi.spyOn(console, "error").mockImplementation(() => {});
    const ada = await tenant("ada");
    const points = await play(acts, ada, Number.POSITIVE_INFINITY);
    const expected = await traces(ada);
    expect(expected).toMatchObject({ customers: 1, ...acts.leaves });
    const step = Math.max(1, Math.floor(points / runs.crashes));
    for (let point = 1 + (seed % step); point <= points; point += step) {
      const bo = await tenant("bo");
      await play(acts, bo, point);
      expect([point, await traces(bo)]).toEqual([point, expected]);
    }
    complaints.mockRestore();
  },
);
