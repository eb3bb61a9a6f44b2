import { testAuth, Visitor } from "@tests/accounts/visitor";
import { afterAll, expect, test } from "vitest";
import { newId } from "@/lib/ids";
import { createTenant, listTenants } from "@/server/accounts/service";
import { users } from "@/server/accounts/tables";
import { giveWorkspace, homePath } from "@/server/auth";
import { type Ctx, createCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { entitleDefault } from "@/server/entitlements/entitle";
import { carryOverTrial, startTrial, trialStanding } from "@/server/trials/service";
import { spendTrial } from "@/server/trials/spend-trial";
import { visitorOf } from "@/server/trials/visitor";
import { startMailCatcher } from "@/simulator/mail/catcher";
import { world } from "../support/world";
import { newVisitor, outcomes, trialsAddUp, withTrial } from "./stage";

const scene = await world({ prices: withTrial({ credits: 10 }) });
const { ctx, runtime, owner, clock } = scene;
const catcher = await startMailCatcher();
afterAll(() => catcher.close());
trialsAddUp(scene);

/** Somebody with a trial: the visitor, and the headers that their browser sends. */
async function trying(spent = 0) {
  const { cookie } = await startTrial(ctx, newVisitor());
  const headers = new Headers({ cookie: cookie!.split(";")[0]! });
  const visitor = visitorOf(ctx, headers);
  if (spent > 0) await spendTrial(ctx, { visitor, units: spent, key: "before" });
  return { visitor, headers, line: cookie! };
}

async function newPerson(name: string) {
  const userId = newId("user", clock.now());
  const email = `${userId}@${name}.test`;
  await ctx.db.orm.insert(users).values({ id: userId, email, name, createdAt: clock.now() });
  return { ...createCtx(runtime, { kind: "user", userId }), person: { userId, email, name } };
}

const signUp = (who: Awaited<ReturnType<typeof newPerson>>, headers?: Headers, as: Ctx = who) =>
  giveWorkspace(as, who.person, headers);

async function creditsOf(who: Ctx) {
  const [tenant] = await listTenants(who);
  const [units] =
    await owner`select coalesce(sum(remaining), 0)::int as credits from lots where tenant_id = ${tenant!.id} and kind = 'trial'`;
  return units!.credits as number;
}

test("what is left comes along with the person's first sign-in, as credits that don't expire", async () => {
  const auth = testAuth(runtime, {
    smtpUrl: catcher.smtpUrl,
    onSignIn: (person, headers) =>
      giveWorkspace(createCtx(runtime, { kind: "user", userId: person.userId }), person, headers),
  });
  const { visitor, line } = await trying(4);
  const ada = new Visitor(auth, "ada@trial.test", catcher.url);
  ada.keep(line);
  await ada.signIn();
  const userId = (await auth.sessionOf(ada.headers))!.user.id;
  const asAda = createCtx(runtime, { kind: "user", userId });
  const [tenant] = await listTenants(asAda);
  const lots =
    await owner`select unit, kind, granted::int, remaining::int, expires_at, source from lots where tenant_id = ${tenant!.id} and kind = 'trial'`;
  const lot = { unit: "credits", kind: "trial", granted: 6, remaining: 6, expires_at: null };
  expect(lots).toEqual([{ ...lot, source: `trial:${visitor.trialId}` }]);
  expect(await balance({ ...asAda, tenant: tenant! }, { unit: "credits" })).toMatchObject({ available: 6 });
  expect(await trialStanding(ctx, visitor)).toMatchObject({ state: "over", granted: 10, remaining: 0 });
  await ada.signIn();
  expect(await creditsOf(asAda)).toBe(6);
});

test("it comes along once, when ten tabs sign up ten people at the same moment", async () => {
  const { headers } = await trying(3);
  const people = await Promise.all(Array.from({ length: 10 }, (_, at) => newPerson(`tab${at}`)));
  await Promise.all(people.map((one) => signUp(one, headers)));
  const credits = await Promise.all(people.map(creditsOf));
  expect(credits.toSorted((a, b) => b - a)).toEqual([7, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
});

test("ten tabs of one person make one workspace with it", async () => {
  const { headers } = await trying();
  const ada = await newPerson("ada");
  await Promise.all(Array.from({ length: 10 }, () => signUp(ada, headers)));
  expect(await listTenants(ada)).toHaveLength(1);
  expect(await creditsOf(ada)).toBe(10);
});

test("a credit is spent or carried over, never both, when they race", async () => {
  const { visitor, headers } = await trying();
  const ada = await newPerson("ada");
  const spends = Array.from({ length: 8 }, (_, at) => spendTrial(ctx, { visitor, units: 1, key: `k${at}` }));
  const [counts] = await Promise.all([outcomes(spends), signUp(ada, headers)]);
  expect((counts.done ?? 0) + (await creditsOf(ada))).toBe(10);
  expect((counts.done ?? 0) + (counts.QUOTA_EXCEEDED ?? 0)).toBe(8);
});

test("after that the trial is over: it is not spent, not begun again, and an old answer stays the same", async () => {
  const { visitor, headers } = await trying(4);
  await signUp(await newPerson("ada"), headers);
  const spend = spendTrial(ctx, { visitor, units: 1, key: "after" });
  await expect(spend).rejects.toMatchObject({ code: "QUOTA_EXCEEDED", denial: { reason: "no_credits" } });
  expect(await startTrial(ctx, visitor)).toMatchObject({ cookie: null, standing: { state: "over" } });
  const replay = spendTrial(ctx, { visitor, units: 4, key: "before" });
  expect(await replay).toMatchObject({ replayed: true, remaining: 6 });
});

test("who has a workspace already gets nothing more, and keeps the trial", async () => {
  const ada = await newPerson("ada");
  await signUp(ada);
  const { visitor, headers } = await trying(4);
  await signUp(ada, headers);
  expect(await creditsOf(ada)).toBe(0);
  expect(await trialStanding(ctx, visitor)).toMatchObject({ state: "open", remaining: 6 });
});

test("the way home carries it over too, when the sign-in crashed before it did", async () => {
  const { headers } = await trying();
  const ada = await newPerson("ada");
  await homePath(ada, headers);
  expect(await creditsOf(ada)).toBe(10);
});

test("a workspace that fails to be made leaves the trial as it was", async () => {
  const { visitor } = await trying(4);
  const ada = await newPerson("ada");
  const failing = createTenant(ada, { name: "half", ownerUserId: ada.person.userId }, async (inner) => {
    await entitleDefault(inner);
    expect(await carryOverTrial(inner, visitor)).toBe(6);
    throw new Error("the process died here");
  });
  await expect(failing).rejects.toThrow("the process died here");
  expect(await trialStanding(ctx, visitor)).toMatchObject({ state: "open", remaining: 6 });
});

test("nothing left makes no lot; a trial that ended, or a forged cookie, brings nothing", async () => {
  const empty = await trying(10);
  const forged = await trying();
  const ended = await trying();
  forged.headers.set("cookie", `${forged.headers.get("cookie")!.slice(0, -1)}!`);
  for (const { headers } of [empty, forged]) {
    const who = await newPerson("bo");
    await signUp(who, headers);
    expect(await creditsOf(who)).toBe(0);
  }
  expect(await trialStanding(ctx, forged.visitor)).toMatchObject({ state: "open", remaining: 10 });
  clock.advance({ days: 30 });
  const who = await newPerson("cleo");
  await signUp(who, ended.headers);
  expect(await creditsOf(who)).toBe(0);
});

test("where the price list says that it stays behind, it does", async () => {
  const { visitor, headers } = await trying(4);
  const who = await newPerson("dan");
  await signUp(who, headers, { ...who, prices: withTrial({ carryOver: false }) });
  expect(await creditsOf(who)).toBe(0);
  expect(await trialStanding(ctx, visitor)).toMatchObject({ state: "open", remaining: 6 });
});
