import { creditBusiness } from "@tests/support/credits";
import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { grantCredits } from "@/server/credits/grant-credits";
import { block } from "@/server/entitlements/block";
import { listOrders } from "@/server/orders/orders";
import { consume } from "@/server/quota/consume";
import { creditLots, operatorOffice } from "./office";

const amount = { minorUnits: 10, perUnits: 1, min: 10, max: 1_000, expiresAfterDays: null };
const set = await stage({ prices: creditBusiness({ free: undefined }, { amount }), poolSize: 20 });
const { tenant, owner, buy, stripe, settled } = set;
const { olga, actor, act, refused, read, audits } = await operatorOffice(set);

const grant = { credits: 30, kind: "adjustment", reason: "lost in the move", key: "ticket-1" };
async function used(one: TenantCtx, units: number): Promise<string> {
  const receipt = await consume(one, { feature: "pages", units });
  if (!receipt.allowed) throw new Error("denied");
  return receipt.entryId;
}

test("credits are granted once per key, also 8 times at once; another wish under the key is refused", async () => {
  const ada = await tenant("ada");
  const answers = await Promise.all(Array.from({ length: 8 }, () => act(ada, "grant", grant)));
  for (const answer of answers) expect(answer).toEqual(answers[0]);
  expect(answers[0]).toMatchObject({ credits: 30, kind: "adjustment" });
  for (const other of [{ credits: 31 }, { kind: "promo" }, { reason: "else" }])
    expect(await refused(ada, "grant", { ...grant, ...other })).toBe("IDEMPOTENCY_CONFLICT");
  expect(await refused(olga, "grant", grant)).toBe("IDEMPOTENCY_CONFLICT");
  expect(await refused(ada, "correct", { credits: 30, reason: grant.reason, key: grant.key })).toBe(
    "IDEMPOTENCY_CONFLICT",
  );
  expect(await creditLots(ada)).toEqual([["adjustment", 30]]);
  expect(await audits(ada)).toEqual([{ action: "operator.granted", actor, reason: grant.reason }]);
  expect(
    await owner`select actor from entries where tenant_id = ${ada.tenant.id} and operation = 'grant' and feature = 'credits'`,
  ).toEqual([{ actor }]);
});

test("of two wishes under one key at once, one is done", async () => {
  const ada = await tenant("ada");
  const key = "either";
  const done = await Promise.all([7, 8].map((credits) => refused(ada, "grant", { ...grant, credits, key })));
  expect(done.sort()).toEqual(["IDEMPOTENCY_CONFLICT", "done"]);
  expect(await creditLots(ada)).toHaveLength(1);
});

test("a deed that failed left nothing, and its key may be used again", async () => {
  const ada = await tenant("ada");
  const key = "again";
  const past = new Date(set.clock.now().getTime() - 1);
  expect(await refused(ada, "grant", { ...grant, key, expiresAt: past })).toBe("INVALID_INPUT");
  expect([await creditLots(ada), await audits(ada)]).toEqual([[], []]);
  await act(ada, "grant", { ...grant, key });
  expect(await creditLots(ada)).toEqual([["adjustment", 30]]);
});

test("an operator acts in a workspace that is blocked, and the block stays", async () => {
  const ada = await tenant("ada");
  await block(ada, { reason: "past_due" });
  await act(ada, "compensate", { credits: 5, reason: "down for a day", key: "sorry" });
  expect(await creditLots(ada)).toEqual([["compensation", 5]]);
  expect(await consume(ada, { feature: "pages" })).toMatchObject({ allowed: false, reason: "blocked" });
});

test("use is refunded once per key, to the lots that paid, and never more than it was charged", async () => {
  const ada = await tenant("ada");
  await grantCredits(ada, { amount: 10, kind: "promo", source: "first" });
  const entryId = await used(ada, 6);
  const wish = { entryId, units: 4, reason: "the run failed", key: "run-1" };
  const answers = await Promise.all([1, 2, 3].map(() => act(ada, "refundUsage", wish)));
  for (const answer of answers) expect(answer).toEqual(answers[0]);
  expect(answers[0]).toMatchObject({ feature: "pages", units: 4, credits: 4, lapsed: 0 });
  expect(await creditLots(ada)).toEqual([["promo", 8]]);
  expect(await refused(ada, "refundUsage", { ...wish, units: 3, key: "run-2" })).toBe("CONFLICT");
  expect(await refused(olga, "refundUsage", { ...wish, key: "run-3" })).toBe("NOT_FOUND");
  expect(await creditLots(ada)).toEqual([["promo", 8]]);
  expect(await audits(ada)).toEqual([{ action: "operator.refunded_usage", actor, reason: "the run failed" }]);
});

test("an order's money goes back once per key; what the order brought is corrected in no other way", async () => {
  const ada = await tenant("ada");
  await buy(ada, { order: { credits: 100 } });
  const orderId = (await listOrders(ada)).orders[0]!.id;
  const wish = { orderId, amountMinor: 400, reason: "asked by mail", key: "refund-1" };
  const answers = await Promise.all([1, 2, 3].map(() => act(ada, "refundOrder", wish)));
  await settled();
  expect(new Set(answers.map((one) => (one as { refundId: string }).refundId)).size).toBe(1);
  expect(await creditLots(ada)).toEqual([["purchase", 60]]);
  expect((await stripe.refunds.list({ limit: 10 })).data).toHaveLength(1);
  expect(await refused(ada, "refundOrder", { ...wish, amountMinor: 300 })).toBe("IDEMPOTENCY_CONFLICT");
  expect(await refused(olga, "refundOrder", { ...wish, key: "refund-2" })).toBe("NOT_FOUND");
  const { lotId } = (await balance(ada)).lots[0]!;
  expect(await refused(ada, "correct", { credits: 1, lotId, reason: "slip", key: "fix-order" })).toBe(
    "NOT_FOUND",
  );
  expect(await read(ada, "orders")).toMatchObject({ orders: [{ id: orderId }] });
  expect((await audits(ada)).map((one) => one.actor)).toContain(actor);
});

test("suspended, a workspace consumes nothing until it is no longer, and other blocks are left alone", async () => {
  const ada = await tenant("ada");
  await act(ada, "grant", { ...grant, key: "to-spend" });
  await act(ada, "suspend", { reason: "abuse report 7", key: "s-1" });
  expect(await consume(ada, { feature: "pages" })).toMatchObject({ blockedBecause: "suspended" });
  await block(ada, { reason: "past_due" });
  await act(ada, "unsuspend", { reason: "it was not them", key: "s-2" });
  expect(await consume(ada, { feature: "pages" })).toMatchObject({ blockedBecause: "past_due" });
  expect((await audits(ada)).map(({ action, reason }) => [action, reason])).toEqual([
    ["operator.granted", grant.reason],
    ["operator.suspended", "abuse report 7"],
    ["operator.unsuspended", "it was not them"],
  ]);
});

test("a limit of the workspace's own holds until it is ended, and says who set it", async () => {
  const ada = await tenant("ada");
  const wish = { feature: "pages", limit: 3, reason: "beta", key: "o-1" };
  const first = await act(ada, "setOverride", wish);
  expect(await act(ada, "setOverride", wish)).toEqual(first);
  await used(ada, 3);
  expect(await owner`select actor, reason from overrides where tenant_id = ${ada.tenant.id}`).toEqual([
    { actor, reason: "beta" },
  ]);
  expect(await refused(ada, "setOverride", { ...wish, limit: true, key: "o-2" })).toBe("INVALID_INPUT");
  await act(ada, "endOverride", { feature: "pages", reason: "over", key: "o-3" });
  expect(await consume(ada, { feature: "pages" })).toMatchObject({ allowed: false });
  expect(await refused(ada, "endOverride", { feature: "pages", reason: "over", key: "o-4" })).toBe(
    "NOT_FOUND",
  );
});

test("a workspace moves to another time zone", async () => {
  const ada = await tenant("ada");
  await act(ada, "setTimeZone", { timeZone: "Europe/Berlin", reason: "they moved", key: "z-1" });
  expect(await owner`select time_zone from tenants where tenant_id = ${ada.tenant.id}`).toEqual([
    { time_zone: "Europe/Berlin" },
  ]);
  const nowhere = { timeZone: "Mars/Base", reason: "r", key: "z-2" };
  expect(await refused(ada, "setTimeZone", nowhere)).toBe("BAD_REQUEST");
});

test("codes and waiting credits are made once per key, and listed", async () => {
  const code = { code: "fair-25", credits: 25, reason: "fair", key: "code-1" };
  const waiting = { email: "Eve@Fair.Test", credits: 3, reason: "fair", key: "eve-1" };
  for (let twice = 0; twice < 2; twice += 1) {
    expect(await act(olga, "createCode", code)).toEqual({ code: "FAIR-25" });
    await act(olga, "awaitCredits", waiting);
  }
  expect(await read(olga, "codes")).toMatchObject([{ code: "FAIR-25", endedAt: null, madeBy: actor }]);
  const listed = (await read(olga, "awaited")) as { id: string; email: string }[];
  expect(listed).toMatchObject([{ email: "eve@fair.test", credits: 3, withdrawnAt: null, madeBy: actor }]);
  await act(olga, "withdrawAwaited", { id: listed[0]!.id, reason: "wrong Eve", key: "eve-2" });
  await act(olga, "endCode", { code: "fair-25", reason: "over", key: "code-2" });
  expect(
    await owner`select action, actor from operator_deeds where key in ('code-1', 'eve-1', 'eve-2', 'code-2') order by key`,
  ).toMatchObject([
    { action: "operator.created_code", actor },
    { action: "operator.ended_code", actor },
    { action: "operator.awaited_credits", actor },
    { action: "operator.withdrew_credits", actor },
  ]);
});
