import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import { prices as standard } from "@/config/plans";
import { newId } from "@/lib/ids";
import { createTenant, listTenants } from "@/server/accounts/service";
import { users } from "@/server/accounts/tables";
import { giveWorkspace } from "@/server/auth";
import { createCtx, type TenantCtx } from "@/server/context";
import { awaitCredits, withdrawAwaited } from "@/server/credits/awaited-credits";
import { balance } from "@/server/credits/balance";
import { entitleDefault } from "@/server/entitlements/entitle";

const refill = { credits: 5, every: "month" } as const;
const prices = { ...standard, plans: standard.plans.map((plan) => ({ ...plan, refill })) };
const { ctx, runtime, clock, owner } = await world({ prices, poolSize: 20 });
const wish = { credits: 40, reason: "met at the fair" };

async function person(email: string, verified = true) {
  const userId = newId("user", clock.now());
  const emailVerified = verified ? clock.now() : null;
  await ctx.db.orm.insert(users).values({ id: userId, email, emailVerified, createdAt: clock.now() });
  return { userId, email, name: null, ctx: createCtx(runtime, { kind: "user", userId }) };
}
type Person = Awaited<ReturnType<typeof person>>;
const signIn = (one: Person) => giveWorkspace(one.ctx, one);
async function given(one: Person) {
  const [tenant] = await listTenants(one.ctx);
  return promoOf({ ...one.ctx, tenant: tenant! });
}
const promoOf = async (ctx: TenantCtx) =>
  (await balance(ctx)).lots.filter(({ kind }) => kind === "promo").map(({ remaining }) => remaining);

test("who signs up with the e-mail gets what waits for it once, also from 10 sign-ins at once", async () => {
  await awaitCredits(ctx, { ...wish, email: " Ada@Fair.Test " });
  const ada = await person("ada@fair.test");
  await Promise.all(Array.from({ length: 10 }, () => signIn(ada)));
  await signIn(ada);
  expect(await given(ada)).toEqual([40]);
});

test("it lies beside the refill, which it neither is nor changes", async () => {
  const email = "gil@fair.test";
  const gil = await person(email);
  await awaitCredits(ctx, { ...wish, email });
  await Promise.all([1, 2, 3].map(() => signIn(gil)));
  const [tenant] = await listTenants(gil.ctx);
  const { lots } = await balance({ ...gil.ctx, tenant: tenant! });
  expect(lots.map(({ kind, remaining }) => [kind, remaining])).toEqual([
    ["replenish", 5],
    ["promo", 40],
  ]);
});

test("who has a workspace already gets it at the next sign-in, however many sign in at once", async () => {
  const bo = await person("bo@fair.test");
  await signIn(bo);
  await awaitCredits(ctx, { ...wish, email: "bo@fair.test" });
  await awaitCredits(ctx, { ...wish, email: "bo@fair.test", credits: 2 });
  await Promise.all(Array.from({ length: 10 }, () => signIn(bo)));
  expect((await given(bo)).sort()).toEqual([2, 40]);
});

test("an e-mail that nobody proved, another's, one withdrawn and one too late get nothing", async () => {
  await awaitCredits(ctx, { ...wish, email: "cleo@fair.test" });
  const cleo = await person("cleo@fair.test", false);
  const other = await person("cleo+1@fair.test");
  await signIn(cleo);
  await signIn(other);
  expect([await given(cleo), await given(other)]).toEqual([[], []]);
  const gone = await awaitCredits(ctx, { ...wish, email: "dan@fair.test" });
  await withdrawAwaited(ctx, gone);
  const expiresAt = new Date(clock.now().getTime() + 86_400_000);
  await awaitCredits(ctx, { ...wish, email: "dan@fair.test", expiresAt });
  clock.advance({ days: 1 });
  const dan = await person("dan@fair.test");
  await signIn(dan);
  expect(await given(dan)).toEqual([]);
});

test("who owns nothing gets it once they do; who owns several has it in the first", async () => {
  const [eve, fay] = [await person("eve@fair.test"), await person("fay@fair.test")];
  await signIn(fay);
  const [fays] = await listTenants(fay.ctx);
  await owner`insert into members values (${fays!.id}, ${eve.userId}, 'admin', now())`;
  await owner`insert into member_directory values (${eve.userId}, ${fays!.id})`;
  await awaitCredits(ctx, { ...wish, email: "EVE@fair.test" });
  await signIn(eve);
  expect(await given(fay)).toEqual([]);
  const own = async (name: string) => {
    clock.advance({ seconds: 1 });
    return createTenant(eve.ctx, { name, ownerUserId: eve.userId, timeZone: "UTC" }, entitleDefault);
  };
  const [first, second] = [await own("Zeta"), await own("Alpha")];
  await Promise.all([signIn(eve), signIn(eve)]);
  const worth = async (tenant: typeof first) => await promoOf({ ...eve.ctx, tenant });
  expect([await worth(first), await worth(second)]).toEqual([[40], []]);
});

test("a claim and a withdrawal at once: one of them happens", async () => {
  for (let round = 0; round < 5; round += 1) {
    const email = `race${round}@fair.test`;
    const one = await person(email);
    await signIn(one);
    const kept = await awaitCredits(ctx, { ...wish, email });
    const [, withdrawn] = await Promise.allSettled([signIn(one), withdrawAwaited(ctx, kept)]);
    expect(await given(one)).toEqual(withdrawn.status === "fulfilled" ? [] : [40]);
  }
});
