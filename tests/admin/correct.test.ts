import { creditBusiness } from "@tests/support/credits";
import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { grantCredits } from "@/server/credits/grant-credits";
import { debtOf } from "@/server/ledger/debt";
import { consume } from "@/server/quota/consume";
import { releaseHold } from "@/server/quota/release-hold";
import { reserve } from "@/server/quota/reserve";
import { creditLots, operatorOffice } from "./office";

const made = await world({ prices: creditBusiness({ free: undefined }), poolSize: 20 });
const { tenant, owner, clock } = made;
const { act, refused, audits } = await operatorOffice(made);

const reason = "given twice";
const given = (ctx: TenantCtx, amount: number, source = "gift", expiresAt?: Date) =>
  grantCredits(ctx, { amount, kind: "promo", source, expiresAt });
const spend = (ctx: TenantCtx, units: number) => consume(ctx, { feature: "pages", units });

test("a correction takes what is left of the newest grants, once per key, and never more than was given", async () => {
  const ada = await tenant("ada");
  await given(ada, 10);
  await act(ada, "compensate", { credits: 5, reason: "down for a day", key: "sorry" });
  const fix = { credits: 7, reason, key: "fix-1" };
  const answers = await Promise.all([1, 2, 3, 4].map(() => act(ada, "correct", fix)));
  for (const answer of answers) expect(answer).toEqual({ credits: 7, lotId: null, lots: 2, owed: 0 });
  expect(await creditLots(ada)).toEqual([["promo", 8]]);
  expect(await refused(ada, "correct", { ...fix, credits: 9, key: "fix-2" })).toBe("INVALID_INPUT");
  expect(await creditLots(ada)).toEqual([["promo", 8]]);
  expect((await audits(ada)).map(({ action }) => action)).toEqual(["operator.granted", "operator.corrected"]);
});

test("what was spent of the lot is owed, and the workspace waits until it is paid", async () => {
  const ada = await tenant("ada");
  const { lotId } = await given(ada, 10);
  await given(ada, 4, "other");
  await spend(ada, 7);
  const fix = { credits: 5, lotId, reason, key: "fix-spent" };
  expect(await act(ada, "correct", fix)).toMatchObject({ lots: 1, owed: 2 });
  expect(await debtOf(ada)).toMatchObject({ owed: 2 });
  expect(await spend(ada, 1)).toMatchObject({ allowed: false, blockedBecause: "debt" });
  await grantCredits(ada, { amount: 3, kind: "purchase", source: "paid" });
  expect(await debtOf(ada)).toMatchObject({ owed: 0 });
  expect(await refused(ada, "correct", { ...fix, credits: 6, key: "fix-more" })).toBe("INVALID_INPUT");
});

test("what is held of the lot is owed until the hold lets it go, which pays", async () => {
  const ada = await tenant("ada");
  const { lotId } = await given(ada, 10);
  const held = await reserve(ada, { feature: "pages", units: 6, expiresInSeconds: 60 });
  if (!held.allowed) throw new Error("denied");
  expect(await act(ada, "correct", { credits: 10, lotId, reason, key: "fix-held" })).toMatchObject({
    owed: 6,
  });
  await releaseHold(ada, { holdId: held.holdId });
  expect(await debtOf(ada)).toMatchObject({ owed: 0 });
  expect(await creditLots(ada)).toEqual([]);
});

test("what expired, and what is another's, is not corrected", async () => {
  const [ada, bo] = [await tenant("ada"), await tenant("bo")];
  const soon = new Date(clock.now().getTime() + 3_600_000);
  const expired = await given(ada, 10, "short", soon);
  const foreign = await given(bo, 10);
  clock.advance({ hours: 1 });
  for (const [at, { lotId }] of [expired, foreign].entries())
    expect(await refused(ada, "correct", { credits: 1, lotId, reason, key: `lost-${at}` })).toBe("NOT_FOUND");
  expect(await refused(ada, "correct", { credits: 1, reason, key: "fix-none" })).toBe("INVALID_INPUT");
  expect(await creditLots(bo)).toEqual([["promo", 10]]);
});

test("corrections of other keys and draws at once: every credit is drawn, taken back or left, and none is owed twice", async () => {
  const ada = await tenant("ada");
  const { lotId } = await given(ada, 40);
  const draws = Array.from({ length: 20 }, () => spend(ada, 1));
  const fixes = Array.from({ length: 5 }, (_, at) =>
    act(ada, "correct", { credits: 6, lotId, reason, key: `race-${at}` }),
  );
  const [receipts] = await Promise.all([Promise.all(draws), Promise.all(fixes)]);
  const drawn = receipts.filter(({ allowed }) => allowed).length;
  const left = (await balance(ada)).lots.reduce((sum, { remaining }) => sum + remaining, 0);
  const { owed } = await debtOf(ada);
  expect(left - owed).toBe(40 - 30 - drawn);
  expect(
    await owner`select granted, remaining + taken_back + ${drawn}::int as known from lots where id = ${lotId}`,
  ).toMatchObject([{ granted: "40" }]);
});
