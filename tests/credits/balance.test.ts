import { creditBusiness } from "@tests/support/credits";
import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import { balance } from "@/server/credits/balance";
import { grantCredits } from "@/server/credits/grant-credits";
import { history } from "@/server/credits/history";
import { lifetime } from "@/server/credits/lifetime";
import { statement } from "@/server/credits/statement";
import { takeBackTo } from "@/server/ledger/take-back";
import { consume } from "@/server/quota/consume";

const prices = creditBusiness({ free: { credits: 9, every: "week", first: 15 } }, { lowBalance: 20 });
const { tenant, clock } = await world({ prices });
const START = "2026-03-02T09:00:00.000Z";

test("lots stand in draw order, with what expires next and what comes next", async () => {
  clock.set(START);
  const ada = await tenant("ada");
  await grantCredits(ada, { amount: 100, kind: "purchase", source: "payment:1" });
  const soon = new Date("2026-03-05T00:00:00.000Z");
  await grantCredits(ada, { amount: 30, kind: "promo", source: "promo:A", expiresAt: soon });
  await grantCredits(ada, { amount: 40, kind: "purchase", source: "payment:2", expiresAt: soon });
  expect(await balance(ada)).toMatchObject({
    available: 185,
    lots: [
      { kind: "replenish", remaining: 15 },
      { kind: "promo", remaining: 30 },
      { kind: "purchase", remaining: 40 },
      { kind: "purchase", remaining: 100, expiresAt: null },
    ],
    nextExpiry: { at: soon, units: 70 },
    nextRefill: { at: new Date("2026-03-09T09:00:00.000Z"), units: 9, every: "week" },
    debt: null,
    low: null,
  });
});

test("what expired is written off by the read that finds it, a due refill made: both once, and in the history", async () => {
  clock.set(START);
  const bo = await tenant("bo");
  const expiresAt = new Date("2026-03-05T00:00:00.000Z");
  await grantCredits(bo, { amount: 30, kind: "promo", source: "promo:A", expiresAt });
  clock.set("2026-03-05T00:00:00.000Z");
  expect(await balance(bo)).toMatchObject({ available: 15, lots: [{ kind: "replenish" }] });
  clock.set("2026-03-09T09:00:00.000Z");
  const [first, ...again] = await Promise.all([balance(bo), balance(bo), history(bo), statement(bo)]);
  expect(first).toMatchObject({ available: 9, lots: [{ kind: "replenish", remaining: 9, granted: 9 }] });
  expect(again[0]).toEqual(first);
  const { rows } = await history(bo);
  expect(rows.map(({ operation, movement, balanceAfter }) => [operation, movement, balanceAfter])).toEqual([
    ["grant", 9, 9],
    ["expire", -15, 0],
    ["expire", -30, 15],
    ["grant", 30, 45],
    ["grant", 15, 15],
  ]);
  expect(await statement(bo)).toMatchObject({
    opening: 0,
    granted: [
      { kind: "promo", units: 30 },
      { kind: "replenish", units: 24 },
    ],
    consumed: 0,
    expired: 45,
    closing: 9,
  });
  expect(await lifetime(bo)).toMatchObject({ granted: 54, expired: 45, consumed: 0, remaining: 9 });
  clock.set("2026-03-16T09:00:00.000Z");
  expect(await lifetime(bo)).toMatchObject({ granted: 63, expired: 54, consumed: 0, remaining: 9 });
});

test("what was spent and taken back is owed, has its row, and the next purchase pays it before anything else", async () => {
  clock.set(START);
  const cleo = await tenant("cleo");
  await grantCredits(cleo, { amount: 100, kind: "purchase", source: "payment:1" });
  await consume(cleo, { feature: "pages", units: 15 + 80 });
  clock.advance({ hours: 1 });
  await takeBackTo(cleo, { source: "payment:1", target: 100, reason: "refund" });
  expect(await balance(cleo)).toMatchObject({ available: 0, debt: { owed: 80, since: clock.now() } });
  expect((await history(cleo)).rows[0]).toMatchObject({
    operation: "revoke",
    movement: -20,
    owed: 80,
    balanceAfter: 0,
  });
  clock.advance({ hours: 1 });
  await grantCredits(cleo, { amount: 90, kind: "purchase", source: "payment:2" });
  expect(await balance(cleo)).toMatchObject({ available: 10, debt: null });
  expect(await statement(cleo)).toMatchObject({ consumed: 95, takenBack: 20, repaid: 80, closing: 10 });
  expect(await lifetime(cleo)).toMatchObject({
    granted: 205,
    consumed: 95,
    takenBack: 20,
    repaid: 80,
    remaining: 10,
  });
});

test("low is told with the instant of the crossing, until there is enough again", async () => {
  clock.set(START);
  const dan = await tenant("dan");
  await grantCredits(dan, { amount: 50, kind: "purchase", source: "payment:1" });
  expect((await balance(dan)).low).toBeNull();
  clock.advance({ hours: 1 });
  const crossed = clock.now();
  await consume(dan, { feature: "pages", units: 50 });
  clock.advance({ hours: 1 });
  await consume(dan, { feature: "pages", units: 2 });
  expect((await balance(dan)).low).toEqual({ below: 20, since: crossed });
  await grantCredits(dan, { amount: 50, kind: "purchase", source: "payment:2" });
  expect((await balance(dan)).low).toBeNull();
});

test("nobody sees another's credits, and a unit that is no id is refused", async () => {
  clock.set(START);
  const [eve, fay] = [await tenant("eve"), await tenant("fay")];
  await grantCredits(eve, { amount: 50, kind: "purchase", source: "payment:1" });
  expect(await balance(fay)).toMatchObject({ available: 15 });
  expect((await history(fay)).rows).toHaveLength(1);
  expect(await lifetime(fay)).toMatchObject({ granted: 15 });
  for (const unit of ["", "Credits", "credits;", "\u0000", "x".repeat(41)])
    await expect(balance(fay, { unit })).rejects.toMatchObject({ code: "INVALID_INPUT" });
  for (const cursor of ["", "ent_0", "ent_0:x", "lot_0:1", "ent_0:99999999999999999"])
    await expect(history(fay, { cursor })).rejects.toMatchObject({ code: "INVALID_INPUT" });
  expect(await balance(fay, { unit: "nothing_of_ours" })).toMatchObject({ available: 0, lots: [] });
});
