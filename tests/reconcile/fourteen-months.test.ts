import { TestPost } from "@tests/notifications/post";
import { stage } from "@tests/support/stage";
import { afterAll, expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { lifetime } from "@/server/credits/lifetime";
import { jobs } from "@/server/jobs";
import { findAllDrift } from "@/server/reconcile/reconcile";
import { ensureCustomer } from "@/server/stripe/customer";
import { subscriptionOf } from "@/server/subscriptions/subscription";
import { fourteenMonths, LONG_STORY_ENDS, longStoryPrices } from "./long-story";

const post = new TestPost();
await post.open();
afterAll(() => post.close());
const set = await stage({ prices: longStoryPrices });
const { owner, stripe, clock, tenant, advance } = set;
const ctx = { ...set.ctx, mail: { smtpUrl: post.smtpUrl, from: "Tollgate <billing@tollgate.test>" } };

const STRIDE_MS = 7 * 86_400_000;
/** When Stripe's news of the trial's end is told, and ours of the plan's: nobody does anything. */
const STOPS = ["2026-03-07T09:00Z", "2027-05-18T15:00Z", LONG_STORY_ENDS].map((at) => ({
  at,
  run: () => Promise.resolve(),
}));

async function cron(): Promise<void> {
  for (const job of Object.values(jobs)) await job(ctx);
}

/** On the way there cron runs as it would, only not as often. */
async function passTo(instant: string): Promise<void> {
  const leftMs = () => Date.parse(instant) - clock.now().getTime();
  while (leftMs() > STRIDE_MS) {
    await advance({ seconds: STRIDE_MS / 1_000 });
    await cron();
  }
  await advance({ seconds: leftMs() / 1_000 });
}

const sum = (amounts: readonly (number | string)[]) =>
  amounts.reduce<number>((total, amount) => total + Number(amount), 0);

/** The customer's money as Stripe knows it, in minor units. */
async function atStripe(of: TenantCtx) {
  const customer = await ensureCustomer(of);
  const charges = (await stripe.charges.list({ customer, limit: 100 })).data;
  const paid = charges.filter(({ status }) => status === "succeeded");
  const refunds = (await stripe.refunds.list({ limit: 100 })).data;
  const disputes = (await stripe.disputes.list({ limit: 100 })).data;
  const invoices = (await stripe.invoices.list({ customer, limit: 100 })).data;
  return {
    paidTimes: paid.length,
    received: sum(paid.map(({ amount }) => amount)),
    refunded: sum(refunds.filter(({ status }) => status === "succeeded").map(({ amount }) => amount)),
    lost: sum(disputes.filter(({ status }) => status === "lost").map(({ amount }) => amount)),
    invoiced: invoices.map(({ status, amount_paid }) => [status, amount_paid]),
  };
}

/** The same as our own tables say it. */
async function inOurBooks() {
  const orders = await owner`select total_minor, money_back_minor from orders where fulfilled_at is not null`;
  const refunds = await owner`select amount_minor from refunds where status = 'succeeded'`;
  const lost = await owner`select amount_minor from disputes where status = 'lost'`;
  const invoices = await owner`select total_minor from invoices where status = 'paid'`;
  return {
    invoiced: sum(invoices.map((row) => row.total_minor)),
    orders: orders.length,
    sold: sum(orders.map((row) => row.total_minor)),
    moneyBack: sum(orders.map((row) => row.money_back_minor)),
    refunded: sum(refunds.map((row) => row.amount_minor)),
    lost: sum(lost.map((row) => row.amount_minor)),
  };
}

const LETTERS = [
  "Your trial of Pro ends in 2 days",
  "Invoice paid: $15.00",
  "Receipt: $20.00",
  "You are now on Enterprise",
  "Invoice paid: $75.70",
  "Invoice paid: $15.00",
  "You are now on Pro",
  "Compute: 80% of the allowance is used",
  "Compute: the allowance is used up",
  "Automatic top-up: $5.00",
  "Your payment of $15.00 did not go through",
  "Invoice paid: $15.00",
  "Pro is now paid by the year",
  "Invoice paid: $140.45",
  "Receipt: $20.00",
  "Refund: $7.50",
  "Receipt: $5.00",
  "Compute: 80% of the allowance is used",
  "Compute: the allowance is used up",
  "Automatic top-up: $5.00",
  "A payment of $5.00 is disputed",
  "The workspace is stopped: it owes 100 credits",
  "Automatic top-ups stopped",
  "Receipt: $20.00",
  "A payment of $12.00 is disputed",
  "The dispute of $5.00 is over: the money went back",
  "The dispute of $12.00 is over: the payment stands",
  "Pro ends in 3 days",
].map((subject) => `${subject} (ada)`);

test("fourteen months of one workspace: the books balance, they agree with Stripe to the cent, and each fact is mailed once", {
  timeout: 900_000,
}, async () => {
  const ada = await tenant("ada");
  const acts = [...fourteenMonths(set, ada), ...STOPS].sort((a, b) => a.at.localeCompare(b.at));
  for (const { at, run } of acts) {
    await passTo(at);
    await run();
    await set.settled();
    await cron();
  }
  expect(await findAllDrift(ctx)).toEqual([]);
  const stripes = await atStripe(ada);
  const ours = await inOurBooks();
  expect(stripes.invoiced).toEqual([14_045, 1_500, 1_500, 7_570, 1_500, 0].map((amount) => ["paid", amount]));
  expect(ours).toEqual({
    invoiced: sum(stripes.invoiced.map(([, amount]) => Number(amount))),
    orders: 6,
    sold: 7_500,
    moneyBack: 1_250,
    refunded: 750,
    lost: 500,
  });
  expect(stripes).toMatchObject({
    paidTimes: 5 + ours.orders,
    received: ours.invoiced + ours.sold,
    refunded: ours.refunded,
    lost: ours.lost,
  });
  expect(await subscriptionOf(ada)).toMatchObject({
    plan: { id: "free" },
    source: "default",
    subscription: null,
  });
  // 16 months were begun on Pro. Of the packs 187 went back with the refund, and 100 that were spent were paid for again.
  expect(await lifetime(ada)).toMatchObject({
    byKind: [
      { kind: "purchase", units: 1_800 },
      { kind: "replenish", units: 320 },
    ],
    takenBack: 187,
    repaid: 100,
  });
  // Letters of one run of the job go out side by side.
  expect(post.arrived.map(({ subject }) => subject).sort()).toEqual(LETTERS.sort());
  expect(new Set(post.arrived.map(({ messageId }) => messageId)).size).toBe(LETTERS.length);
});
