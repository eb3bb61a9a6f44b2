import { asc, eq, gt } from "drizzle-orm";
import { logError } from "@/lib/log";
import type { Ctx } from "../context";
import { inTransaction } from "../db/transaction";
import { knownCustomer, tenantOfCustomer } from "../stripe/customer";
import { customerDirectory } from "../stripe/tables";
import { type Drift, forgetDrift, notePriceDrift, priceDrift } from "../sync/note-drift";
import { type Compared, compareCustomer, reconcileCustomer } from "./compare-customer";
import { walks } from "./tables";
import { missedEvents, takeInMissedEvents } from "./take-in-events";

/** Fits into one cron call; what is left, the next one does. */
const BUDGET_MS = 45_000;
/** Of the budget, so that many missed events don't keep customers from being compared. */
const EVENTS_SHARE = 0.6;
const CUSTOMERS_PER_PAGE = 100;
/** Each waits for Stripe, so a few go side by side. */
const AT_ONCE = 4;

export interface Reconciled {
  eventsTakenIn: number;
  customersCompared: number;
  driftsFound: number;
  /** What a sync could not put right. */
  driftsLeft: number;
  customersFailed: number;
}

/**
 * Cron `reconcile`: takes in the events that never came, and compares every customer with Stripe. It goes on where it
 * stopped when its time was up. Safe late, twice, by two runners at once, or killed at any moment.
 * @throws AppError PAYMENT_PROVIDER when Stripe doesn't answer at all
 */
export async function reconcile(ctx: Ctx, { budgetMs = BUDGET_MS } = {}): Promise<Reconciled> {
  const beganAtMs = performance.now();
  const hasTime = (share: number) => performance.now() - beganAtMs < budgetMs * share;
  const done: Reconciled = {
    eventsTakenIn: await takeInMissedEvents(ctx, () => hasTime(EVENTS_SHARE)),
    customersCompared: 0,
    driftsFound: 0,
    driftsLeft: (await notePriceDrift(ctx)).length,
    customersFailed: 0,
  };
  await walkCustomers(ctx, done, () => hasTime(1));
  await forgetDrift(ctx);
  return done;
}

async function walkCustomers(ctx: Ctx, done: Reconciled, hasTime: () => boolean): Promise<void> {
  let after = await positionOf(ctx);
  do {
    const page = await customersAfter(ctx, after);
    await eachOf(page, async (customerId) => {
      const compared = await onOwnTrouble(() => withCustomer(ctx, customerId, reconcileCustomer));
      if (compared === "failed") done.customersFailed += 1;
      if (!compared || compared === "failed") return;
      done.customersCompared += 1;
      done.driftsFound += compared.found.length;
      done.driftsLeft += compared.left.length;
    });
    after = page.length < CUSTOMERS_PER_PAGE ? "" : page.at(-1)!;
    await moveTo(ctx, after);
  } while (after !== "" && hasTime());
}

/** All that we and Stripe disagree about now, one customer after the other. Reads only. */
export async function findAllDrift(ctx: Ctx): Promise<Drift[]> {
  const missed = await missedEvents(ctx);
  const found = [...missed, ...(await priceDrift(ctx))];
  let after = "";
  do {
    const page = await customersAfter(ctx, after);
    await eachOf(page, async (customerId) => {
      found.push(...((await withCustomer(ctx, customerId, compareCustomer)) ?? []));
    });
    after = page.length < CUSTOMERS_PER_PAGE ? "" : page.at(-1)!;
  } while (after !== "");
  return found;
}

/** null for a customer that is nobody's any more. */
async function withCustomer<T extends Compared | Drift[]>(
  ctx: Ctx,
  customerId: string,
  work: (ctx: NonNullable<Awaited<ReturnType<typeof tenantOfCustomer>>>, customerId: string) => Promise<T>,
): Promise<T | null> {
  const tenantCtx = await tenantOfCustomer(ctx, customerId);
  if (!tenantCtx || (await knownCustomer(tenantCtx)) !== customerId) return null;
  return work(tenantCtx, customerId);
}

/** One customer's trouble is not another's: it is logged, and the next walk comes by again. */
async function onOwnTrouble<T>(work: () => Promise<T>): Promise<T | "failed"> {
  try {
    return await work();
  } catch (error) {
    logError("reconcile", error);
    return "failed";
  }
}

async function eachOf(page: readonly string[], work: (customerId: string) => Promise<void>): Promise<void> {
  const waiting = [...page];
  const worker = async () => {
    for (let one = waiting.shift(); one; one = waiting.shift()) await work(one);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

async function customersAfter(ctx: Ctx, after: string): Promise<string[]> {
  const rows = await inTransaction(ctx, (tx) =>
    tx
      .select({ id: customerDirectory.customerId })
      .from(customerDirectory)
      .where(gt(customerDirectory.customerId, after))
      .orderBy(asc(customerDirectory.customerId))
      .limit(CUSTOMERS_PER_PAGE),
  );
  return rows.map(({ id }) => id);
}

async function positionOf(ctx: Ctx): Promise<string> {
  const [row] = await ctx.db.orm.select().from(walks).where(eq(walks.name, "customers"));
  return row?.position ?? "";
}

async function moveTo(ctx: Ctx, position: string): Promise<void> {
  const moved = { position, movedAt: ctx.now() };
  await inTransaction(ctx, (tx) =>
    tx
      .insert(walks)
      .values({ name: "customers", ...moved })
      .onConflictDoUpdate({ target: walks.name, set: moved }),
  );
}
