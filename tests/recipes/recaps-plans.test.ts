import { TestPost } from "@tests/notifications/post";
import { FROM } from "@tests/notifications/stage";
import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import { startCheckout } from "@/server/billing/checkout";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { lifetime } from "@/server/credits/lifetime";
import { jobs } from "@/server/jobs";
import { listOrders } from "@/server/orders/orders";
import { consume } from "@/server/quota/consume";
import { subscriptionOf } from "@/server/subscriptions/subscription";
import { recapsList } from "./recaps-list";

const set = await stage({ prices: recapsList("month"), poolSize: 10 });
const { ctx, tenant, clock, buy, pay, settled, stripe, advance } = set;

const DAY_MS = 86_400_000;
const recap = (of: TenantCtx, units = 1) => consume(of, { feature: "recaps", units });
const buckets = async (of: TenantCtx) => {
  const { lots } = await balance(of);
  const sum = (refilled: boolean) =>
    lots
      .filter(({ kind }) => (kind === "replenish") === refilled)
      .reduce((all, lot) => all + lot.remaining, 0);
  return { refillable: sum(true), permanent: sum(false) };
};
const planOf = async (of: TenantCtx) => {
  const { plan, endsAt } = await subscriptionOf(of);
  return { plan: plan.id, endsAt };
};
const inDays = (days: number) => new Date(clock.now().getTime() + days * DAY_MS);

test("Pro is 30 days by card, refilled with more; when they are over the tenant is on Free, and what it bought stays", async () => {
  const cleo = await tenant("cleo");
  await buy(cleo, { pack: "recaps_20" });
  await buy(cleo, { order: { plan: "pro" } });
  expect(await planOf(cleo)).toEqual({ plan: "pro", endsAt: inDays(30) });
  // The running refill is the one that was given: the plan's amount comes with the next.
  expect(await buckets(cleo)).toEqual({ refillable: 5, permanent: 20 });
  await buy(cleo, { order: { plan: "pro" } });
  expect(await planOf(cleo)).toEqual({ plan: "pro", endsAt: inDays(60) });
  await advance({ days: 31 });
  expect(await buckets(cleo)).toEqual({ refillable: 60, permanent: 20 });
  await recap(cleo, 70);
  await advance({ days: 29 });
  expect(await recap(cleo)).toMatchObject({ allowed: true, planVersion: "free@1" });
  expect(await planOf(cleo)).toEqual({ plan: "free", endsAt: null });
});

test("Max in the middle of Pro: 1 recap for each day left, the new period runs from the old end, cron finds its end too", async () => {
  const dan = await tenant("dan");
  await buy(dan, { order: { plan: "pro" } });
  await advance({ days: 10, hours: 1 });
  const left = 20;
  await buy(dan, { order: { plan: "max" } });
  expect(await buckets(dan)).toEqual({ refillable: 5, permanent: left });
  const endsAt = new Date(inDays(20 + 30).getTime() - 3_600_000);
  expect(await planOf(dan)).toEqual({ plan: "max", endsAt });
  await expect(startCheckout(dan, { order: { plan: "pro" } })).rejects.toMatchObject({
    code: expect.stringMatching(/INVALID_INPUT|CONFLICT|DOWNGRADE/),
  });
  await advance({ days: 50 });
  await Promise.all([jobs.reset(ctx), jobs.reset(ctx)]);
  expect(await planOf(dan)).toEqual({ plan: "free", endsAt: null });
});

test("from the checkout to the last recap: bought, a card declined, refunded in part, refilled, and nothing left over", async () => {
  const eve = await tenant("eve");
  const { url } = await startCheckout(eve, { order: { plan: "pro", pack: "recaps_20" } });
  await pay(url, { card: "declined" });
  await settled();
  expect([await buckets(eve), (await planOf(eve)).plan]).toEqual([{ refillable: 5, permanent: 0 }, "free"]);
  await pay(url);
  await settled();
  const [order] = (await listOrders(eve)).orders;
  expect(order).toMatchObject({
    status: "fulfilled",
    lines: [
      { name: "Pro, 30 days", amount: { amountMinor: 900n } },
      { name: "20 recaps", credits: 20, amount: { amountMinor: 400n } },
    ],
    total: { amountMinor: 1_300n },
  });
  expect(await recap(eve, 8)).toMatchObject({ allowed: true, planVersion: "pro@1" });
  expect(await buckets(eve)).toEqual({ refillable: 0, permanent: 17 });
  await stripe.refunds.create({ payment_intent: order!.paymentId!, amount: 650 });
  await settled();
  expect([await buckets(eve), await planOf(eve)]).toEqual([
    { refillable: 0, permanent: 7 },
    { plan: "pro", endsAt: inDays(15) },
  ]);
  await advance({ days: 31 });
  expect([await buckets(eve), (await planOf(eve)).plan]).toEqual([{ refillable: 5, permanent: 7 }, "free"]);
  expect(await recap(eve, 12)).toMatchObject({ allowed: true, planVersion: "free@1" });
  expect(await recap(eve)).toMatchObject({ allowed: false, reason: "no_credits" });
  const kept = { granted: 30, consumed: 20, takenBack: 10, expired: 0, remaining: 0 };
  expect(await lifetime(eve)).toMatchObject(kept);
});

test("mails come 7, 3 and 1 days before Pro is over, though cron runs at its own hours and twice", async () => {
  const fay = await tenant("fay");
  await buy(fay, { order: { plan: "pro" } });
  const post = new TestPost();
  await post.open();
  const daily = { ...ctx, mail: { smtpUrl: post.smtpUrl, from: FROM } };
  await advance({ days: 21, hours: 7 });
  for (let day = 21; day < 31; day += 1) {
    await Promise.all([jobs.forecast(daily), jobs.forecast(daily)]);
    await jobs.notifications(daily);
    await advance({ days: 1 });
  }
  await post.close();
  const mails = post.arrived.map(({ subject }) => subject).filter((subject) => subject.startsWith("Pro "));
  expect(mails).toEqual(["Pro ends in 7 days (fay)", "Pro ends in 3 days (fay)", "Pro ends tomorrow (fay)"]);
});
