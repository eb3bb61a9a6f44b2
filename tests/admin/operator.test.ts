import { api, dataOf, errorOf, member } from "@tests/http/edge";
import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { grantCredits } from "@/server/credits/grant-credits";
import { debtOf } from "@/server/ledger/debt";

const { tenant, runtime, owner } = await world();
const olga = await tenant("olga");
const userOf = (one: TenantCtx) => (one.actor.kind === "user" ? one.actor.userId : "");
await owner`update users set email = 'Olga@Run.Test', email_verified = now() where id = ${userOf(olga)}`;
const { post } = api({ ...runtime, operatorEmails: ["olga@run.test"] });
const on = (one: TenantCtx) => ({ ...member(olga), "x-workspace": one.tenant.slug });
const act = (one: TenantCtx, name: string, input: unknown) => post(`operator.${name}`, on(one), input);
const grant = { credits: 30, kind: "adjustment", reason: "lost in the move", key: "ticket-1" };
const creditLots = async (one: TenantCtx) =>
  (await balance(one)).lots.map(({ kind, remaining }) => [kind, remaining]);

test("an operator grants credits once per key in a workspace not theirs; who and why is kept", async () => {
  const ada = await tenant("ada");
  const answers = await Promise.all(
    Array.from({ length: 8 }, async () => dataOf(await act(ada, "grant", grant))),
  );
  expect(new Set(answers.map((one) => JSON.stringify(one))).size).toBe(1);
  expect(answers[0]).toMatchObject({ credits: 30, kind: "adjustment" });
  expect(await creditLots(ada)).toEqual([["adjustment", 30]]);
  const actor = `operator:${userOf(olga)}`;
  expect(
    await owner`select actor, details->>'reason' as reason from audit_events where tenant_id = ${ada.tenant.id} and action = 'operator.granted'`,
  ).toEqual([{ actor, reason: "lost in the move" }]);
  expect(
    await owner`select actor from entries where tenant_id = ${ada.tenant.id} and operation = 'grant'`,
  ).toEqual([{ actor }]);
  for (const [one, other] of [
    [ada, { ...grant, credits: 31 }],
    [olga, grant],
  ] as const)
    expect((await errorOf(await act(one, "grant", other)))?.data.appCode).toBe("IDEMPOTENCY_CONFLICT");
  expect(await creditLots(ada)).toEqual([["adjustment", 30]]);
});

test("nobody is an operator: not a member, not an unproven e-mail, not without OPERATOR_EMAILS", async () => {
  const ada = await tenant("ada");
  const knock = async (send: typeof post, headers: Record<string, string>) =>
    (await errorOf(await send("operator.grant", headers, { ...grant, key: "knock" })))?.data.appCode;
  expect(await knock(post, member(ada))).toBe("FORBIDDEN");
  expect(await knock(post, { origin: "http://app.test", "x-workspace": ada.tenant.slug })).toBe(
    "UNAUTHENTICATED",
  );
  expect(await knock(api(runtime).post, on(ada))).toBe("FORBIDDEN");
  expect(
    await knock(api({ ...runtime, operatorEmails: [`${userOf(ada)}@ada.test`] }).post, member(ada)),
  ).toBe("FORBIDDEN");
  expect(await creditLots(ada)).toEqual([]);
});

test("a correction takes what is left of the newest grants, then owes what was spent, and never more than was given", async () => {
  const ada = await tenant("ada");
  await grantCredits(ada, { amount: 10, kind: "promo", source: "first" });
  await act(ada, "compensate", { credits: 5, reason: "down for a day", key: "sorry" });
  const fix = { credits: 7, reason: "given twice", key: "fix-1" };
  expect(await dataOf(await act(ada, "correct", fix))).toMatchObject({ credits: 7, owed: 0, lots: 2 });
  await act(ada, "correct", fix);
  expect(await creditLots(ada)).toEqual([["promo", 8]]);
  const tooMuch = await errorOf(await act(ada, "correct", { ...fix, credits: 9, key: "fix-2" }));
  expect(tooMuch?.data.appCode).toBe("INVALID_INPUT");
  expect(await creditLots(ada)).toEqual([["promo", 8]]);
  expect((await debtOf(ada)).owed).toBe(0);
});

test("what an order brought is not corrected: its money is given back instead", async () => {
  const ada = await tenant("ada");
  const { lotId } = await grantCredits(ada, { amount: 10, kind: "purchase", source: "order:ord_1:1" });
  const fix = { credits: 1, lotId, reason: "mistake", key: "fix-order" };
  expect((await errorOf(await act(ada, "correct", fix)))?.data.appCode).toBe("NOT_FOUND");
});

test("codes and waiting credits are made once per key, and listed", async () => {
  const code = { code: "fair-25", credits: 25, reason: "fair", key: "code-1" };
  const awaited = { email: "Eve@Fair.Test", credits: 3, reason: "fair", key: "eve-1" };
  for (let twice = 0; twice < 2; twice += 1) {
    expect(await dataOf(await act(olga, "makeCode", code))).toEqual({ code: "FAIR-25" });
    await act(olga, "awaitCredits", awaited);
  }
  const { get } = api({ ...runtime, operatorEmails: ["olga@run.test"] });
  expect(await dataOf(await get("operator.codes", on(olga)))).toMatchObject([
    { code: "FAIR-25", endedAt: null },
  ]);
  const waiting = (await dataOf(await get("operator.awaited", on(olga)))) as { id: string; email: string }[];
  expect(waiting).toMatchObject([{ email: "eve@fair.test", credits: 3, withdrawnAt: null }]);
  await act(olga, "withdrawAwaited", { id: waiting[0]!.id, reason: "wrong Eve", key: "eve-2" });
  await act(olga, "endCode", { code: "fair-25", reason: "over", key: "code-2" });
  expect(
    await owner`select count(*)::int as n from operator_deeds where tenant = ${olga.tenant.id} or tenant is null`,
  ).toEqual([{ n: 4 }]);
});
