import { recapsList } from "@tests/recipes/recaps-list";
import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import { newId } from "@/lib/ids";
import { listTenants } from "@/server/accounts/service";
import { users } from "@/server/accounts/tables";
import { giveWorkspace } from "@/server/auth";
import { createCtx, type TenantCtx } from "@/server/context";
import { awaitCredits } from "@/server/credits/awaited-credits";
import { balance } from "@/server/credits/balance";
import { consume } from "@/server/quota/consume";
import { startTrial, trialStanding } from "@/server/trials/service";
import { spendTrial } from "@/server/trials/spend-trial";
import { newVisitor, outcomes, trialsAddUp, trying } from "./stage";

const scene = await world({ prices: recapsList("month") });
const { ctx, runtime, clock } = scene;
trialsAddUp(scene);

const buckets = async (of: TenantCtx) => {
  const { lots } = await balance(of);
  const sum = (refilled: boolean) =>
    lots
      .filter(({ kind }) => (kind === "replenish") === refilled)
      .reduce((all, lot) => all + lot.remaining, 0);
  return { refillable: sum(true), permanent: sum(false) };
};

/** Signs up with the cookie of a trial, as the first sign-in does. */
async function signUp(name: string, cookie: string | null, at?: string): Promise<TenantCtx> {
  const userId = newId("user", clock.now());
  const email = at ?? `${userId}@${name}.test`;
  await ctx.db.orm
    .insert(users)
    .values({ id: userId, email, name, emailVerified: clock.now(), createdAt: clock.now() });
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
  await consume(ada, { feature: "recaps", units: 6 });
  expect(await buckets(ada)).toEqual({ refillable: 0, permanent: 1 });
  clock.advance({ days: 31 });
  expect(await buckets(ada)).toEqual({ refillable: 5, permanent: 1 });
});

test("what was granted to somebody before they signed up is permanent, and seeds no refillable bucket", async () => {
  await awaitCredits(ctx, { email: "eve@recaps.test", credits: 12, reason: "met at the fair" });
  const { cookie } = await startTrial(ctx, newVisitor());
  const eve = await signUp("eve", cookie, "eve@recaps.test");
  expect(await buckets(eve)).toEqual({ refillable: 5, permanent: 12 + 3 });
  clock.advance({ days: 31 });
  expect(await buckets(eve)).toEqual({ refillable: 5, permanent: 15 });
});
