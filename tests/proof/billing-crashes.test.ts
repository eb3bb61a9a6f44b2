import { stage } from "@tests/billing/stage";
import { seed } from "@tests/support/seed";
import type postgres from "postgres";
import type Stripe from "stripe";
import { beforeAll, expect, test, vi } from "vitest";
import { startCheckout } from "@/server/billing/checkout";
import { refundOrder } from "@/server/billing/refund-order";
import { syncCustomer } from "@/server/billing/sync";
import type { TenantCtx } from "@/server/context";
import { openDatabase } from "@/server/db/client";
import { runs, TIMEOUT_MS } from "./runs";
import { watchStatements } from "./statements";

const set = await stage({ poolSize: 4 });
const { tenant, owner, appUrl, simulator, stripe, pay } = set;
const PACK = { pack: "credits_500" };

/** What a person and the cron jobs do, one after the other; each may die at any moment, and is then asked again. */
const STEPS: ((ctx: TenantCtx) => Promise<unknown>)[] = [
  (ctx) => startCheckout(ctx, PACK),
  async (ctx) => {
    const [row] =
      await owner`select url from checkouts where tenant_id = ${ctx.tenant.id} and status = 'open'`;
    if (row) await pay(String(row.url));
  },
  (ctx) => syncCustomer(ctx),
  async (ctx) => {
    const [order] = await owner`select id from orders where tenant_id = ${ctx.tenant.id}`;
    const wish = { orderId: String(order?.id), amountMinor: 300, reason: "asked by mail", key: "refund-1" };
    await refundOrder(ctx, wish);
  },
  (ctx) => syncCustomer(ctx),
];

/** A process of its own: it dies right before or right after its n-th statement or request, and then nothing moves any more. */
class Mortal {
  points = 0;
  private readonly clients: postgres.Sql[] = [];
  private announce: (how: "died") => void = () => {};
  readonly death = new Promise<"died">((resolve) => {
    this.announce = resolve;
  });
  private isDead = false;

  constructor(private readonly failAt: number) {}

  /** A dead process neither goes on nor hears an answer. */
  pass = (): Promise<void> => {
    this.points += 1;
    if (this.points === this.failAt) {
      this.isDead = true;
      this.announce("died");
    }
    return this.isDead ? new Promise(() => {}) : Promise.resolve();
  };

  ctx(ctx: TenantCtx): TenantCtx {
    const wrap = (client: postgres.Sql) => {
      this.clients.push(client);
      return watchStatements(client, { before: this.pass });
    };
    const db = openDatabase(appUrl, { poolSize: 3, gateConnections: 1, wrap });
    return { ...ctx, db, stripe: this.watched(stripe) };
  }

  /** Connections break, and Postgres undoes what was open. */
  async bury(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.end({ timeout: 0 })));
  }

  /** Each request is two points: it was never sent, or its answer was never heard. Lists only read. */
  private watched<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (on, name) => {
        const value: unknown = Reflect.get(on, name);
        if (typeof value === "function") {
          if (!["create", "update", "retrieve"].includes(String(name))) return value.bind(on);
          return async (...args: unknown[]) => {
            await this.pass();
            const answer: unknown = await value.apply(on, args);
            await this.pass();
            return answer;
          };
        }
        return typeof value === "object" && value !== null ? this.watched(value) : value;
      },
    }) as T;
  }
}

/** All that is left behind, here and at Stripe, for one tenant. */
async function traces({ tenant: { id } }: TenantCtx) {
  const [customer] =
    await owner`select customer_id, requested = synced as synced from customers where tenant_id = ${id}`;
  const of = { customer: String(customer?.customer_id), limit: 100 };
  const made = await stripe.customers.list({ limit: 100 }).autoPagingToArray({ limit: 10_000 });
  const sessions = await stripe.checkout.sessions.list(of);
  const payment = String(sessions.data[0]?.payment_intent);
  const refunds: Stripe.Refund[] = (await stripe.refunds.list({ payment_intent: payment, limit: 100 })).data;
  return {
    customers: made.filter(({ metadata }) => metadata.tenantId === id).length,
    sessions: sessions.data.length,
    refunds: refunds.map(({ amount, status }) => [amount, status]),
    orders: (
      await owner`select status, total_minor, money_back_minor from orders where tenant_id = ${id}`
    ).map((row) => ({ ...row })),
    lots: (await owner`select granted, remaining, taken_back from lots where tenant_id = ${id}`).map(
      (row) => ({ ...row }),
    ),
    entries: (await owner`select operation, units from entries where tenant_id = ${id} order by id`).map(
      (row) => ({ ...row }),
    ),
    checkouts: (await owner`select status from checkouts where tenant_id = ${id}`).map((row) => ({ ...row })),
  };
}

/** Plays the story in a process that dies at a point, and from there again in one that lives. @returns the points passed */
async function play(ctx: TenantCtx, failAt: number): Promise<number> {
  const mortal = new Mortal(failAt);
  const acting = mortal.ctx(ctx);
  let at = 0;
  for (; at < STEPS.length; at += 1) {
    const step = STEPS[at]!(acting).then(() => "done" as const);
    // What a dead process would still throw is heard by nobody.
    step.catch(() => {});
    if ((await Promise.race([step, mortal.death])) === "died") break;
  }
  await mortal.bury();
  // Half a minute later its lease is over.
  await owner`update customers set lease_ends_at = null where tenant_id = ${ctx.tenant.id}`;
  for (const step of STEPS.slice(at)) await step(ctx);
  return mortal.points;
}

let expected: Awaited<ReturnType<typeof traces>>;
let points = 0;
beforeAll(async () => {
  simulator.control.setMode({ hold: true });
  const ada = await tenant("ada");
  points = await play(ada, Number.POSITIVE_INFINITY);
  expected = await traces(ada);
}, TIMEOUT_MS);

test("undisturbed, the story leaves one customer, one page, one order and one refund", () => {
  expect(points).toBeGreaterThan(60);
  expect(expected).toMatchObject({
    customers: 1,
    sessions: 1,
    refunds: [[300, "succeeded"]],
    orders: [{ status: "partially_refunded", money_back_minor: "300" }],
    lots: [{ granted: "500" }],
    checkouts: [{ status: "complete" }],
  });
});

test("dead at any statement or request of checkout, fulfilment, sync and refund: asked again, all is there once", {
  timeout: TIMEOUT_MS,
}, async () => {
  // The dead still complain that their connection is gone.
  const complaints = vi.spyOn(console, "error").mockImplementation(() => {});
  const all = Array.from({ length: points }, (_, at) => at + 1);
  const chosen = all.filter((point) => (point + seed) % runs.crashStep === 0);
  for (const point of chosen) {
    const ada = await tenant("ada");
    await play(ada, point);
    expect([point, await traces(ada)]).toEqual([point, expected]);
  }
  complaints.mockRestore();
});
