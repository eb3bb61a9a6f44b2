import { stage } from "@tests/billing/stage";
import { newVisitor, outcomes, trying } from "@tests/trials/stage";
import { expect, test } from "vitest";
import { newId } from "@/lib/ids";
import { listTenants } from "@/server/accounts/service";
import { users } from "@/server/accounts/tables";
import { giveWorkspace } from "@/server/auth";
import { startCheckout } from "@/server/billing/checkout";
import { subscriptionOf } from "@/server/billing/subscription";
import { createCtx, type TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { jobs } from "@/server/jobs";
import { consume } from "@/server/quota/consume";
import { startTrial, trialStanding } from "@/server/trials/service";
import { spendTrial } from "@/server/trials/spend-trial";
import { recapsList } from "./recaps-list";

const set = await stage({ prices: recapsList("month"), poolSize: 10 });
const { ctx, tenant, runtime, clock, buy, advance } = set;

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

/** Signs up with the cookie of a trial, as the first sign-in does. */
async function signUp(name: string, cookie: string | null): Promise<TenantCtx> {
  const userId = newId("user", clock.now());
  const email = `${userId}@${name}.test`;
  await ctx.db.orm.insert(users).values({ id: userId, email, name, createdAt: clock.now() });
  const asUser = createCtx(runtime, { kind: "user", userId });
  const headers = new Headers(cookie ? { cookie: cookie.split(";")[0]! } : {});
  await Promise.all([1, 2, 3].map(() => giveWorkspace(asUser, { userId, email, name }, headers)));
  const [made] = await listTenants(asUser);
  return { ...asUser, tenant: made! };
}

test("who has no account has 3 credits to try, spent once per key; none left says no_credits", async () => {
  const visitor = await trying(ctx);
  const spends = Array.from({ length: 5 }, () => spendTrial(ctx, { visitor, units: 1, key: "recap:1" }));
  await Promise.all(spends);
  expect(await spendTrial(ctx, { visitor, units: 2, key: "recap:2" })).toMatchObject({ remaining: 0 });
  await expect(spendTrial(ctx, { visitor, units: 1, key: "recap:3" })).rejects.toMatchObject({
    denial: { reason: "no_credits" },
  });
  expect(await trialStanding(ctx, visitor)).toMatchObject({ granted: 3, remaining: 0 });
});

test("an IPv4 address has two trials a day and an IPv6 /64 as well, however many cookies were thrown away", async () => {
  for (const networks of [["192.0.2.200"], ["2001:db8:1:2::/64"]]) {
    const begin = () => startTrial(ctx, newVisitor(...networks));
    const counts = await outcomes(
      Array.from({ length: 6 }, () => begin().then(({ cookie }) => cookie)),
      (cookie: string | null) => (cookie ? "begun" : "none"),
    );
    expect(counts.begun).toBe(2);
  }
});

test("what is left of a trial is carried into the permanent bucket, once; the refillable one is seeded as for anybody", async () => {
  const { cookie } = await startTrial(ctx, newVisitor());
  const trialId = /vis_[0-9a-z]{26}/.exec(cookie!)![0];
  await spendTrial(ctx, { visitor: { trialId, networks: [] }, units: 1, key: "recap:1" });
  const ada = await signUp("ada", cookie);
  expect(await buckets(ada)).toEqual({ refillable: 5, permanent: 2 });
  const again = await signUp("bo", cookie);
  expect(await buckets(again)).toEqual({ refillable: 5, permanent: 0 });
  await recap(ada, 6);
  expect(await buckets(ada)).toEqual({ refillable: 0, permanent: 1 });
  await advance({ days: 31 });
  expect(await buckets(ada)).toEqual({ refillable: 5, permanent: 1 });
});

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
