import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import { newId } from "@/lib/ids";
import { listTenants } from "@/server/accounts/service";
import { users } from "@/server/accounts/tables";
import { giveWorkspace } from "@/server/auth";
import { createCtx } from "@/server/context";
import { awaitCredits, withdrawAwaited } from "@/server/credits/awaited-credits";
import { balance } from "@/server/credits/balance";

const { ctx, runtime, clock, owner } = await world();
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
  const { lots } = await balance({ ...one.ctx, tenant: tenant! });
  return lots.filter(({ kind }) => kind === "promo").map(({ remaining }) => remaining);
}

test("who signs up with the e-mail gets what waits for it once, also from 10 sign-ins at once", async () => {
  await awaitCredits(ctx, { ...wish, email: " Ada@Fair.Test " });
  const ada = await person("ada@fair.test");
  await Promise.all(Array.from({ length: 10 }, () => signIn(ada)));
  await signIn(ada);
  expect(await given(ada)).toEqual([40]);
  expect(await owner`select count(*)::int as refills from lots where kind = 'replenish'`).toEqual([
    { refills: 0 },
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
