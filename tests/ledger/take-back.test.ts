import { business, meterOf } from "@tests/entitlements/business";
import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { grantCredits } from "@/server/credits/grant-credits";
import { debtOf } from "@/server/ledger/debt";
import { takeBackTo } from "@/server/ledger/take-back";
import { writeOffExpired } from "@/server/ledger/write-off";
import { consume } from "@/server/quota/consume";
import { refund } from "@/server/quota/refund";
import { releaseHold } from "@/server/quota/release-hold";
import { type Reserved, reserve } from "@/server/quota/reserve";

const prices = business(
  { pages: meterOf({ overflow: { to: "credits", credits: 1, perUnits: 1 } }) },
  { free: { pages: 0 } },
);
const { tenant, clock, owner } = await world({ prices });

const buy = (of: TenantCtx, amount: number, source: string, expiresAt: Date | null = null) =>
  grantCredits(of, { amount, kind: "purchase", source, expiresAt });
const spend = (of: TenantCtx, units: number, key?: string) => consume(of, { feature: "pages", units, key });
const back = (of: TenantCtx, source: string, target: number) =>
  takeBackTo(of, { source, target, reason: "refund" });
const available = async (of: TenantCtx) => (await balance(of)).available;
const entriesOf = async (of: TenantCtx, operation: string) =>
  (
    await owner`select credits, uncharged_units from entries where tenant_id = ${of.tenant.id} and operation = ${operation} order by id`
  ).map((row) => [Number(row.credits), Number(row.uncharged_units)]);

test("untouched units are taken, and taken once however often it is told", async () => {
  const ada = await tenant("ada");
  await buy(ada, 100, "order:1");
  for (let n = 0; n < 3; n += 1)
    expect(await back(ada, "order:1", 40)).toEqual({ taken: 40, owed: 0, forgiven: 0 });
  expect(await back(ada, "order:1", 100)).toEqual({ taken: 100, owed: 0, forgiven: 0 });
  expect(await available(ada)).toBe(0);
  expect(await entriesOf(ada, "revoke")).toEqual([
    [40, 0],
    [60, 0],
  ]);
});

test("what was spent is owed, and the next purchase pays it first", async () => {
  const ada = await tenant("ada");
  await buy(ada, 100, "order:1");
  await spend(ada, 70);
  expect(await back(ada, "order:1", 100)).toEqual({ taken: 30, owed: 70, forgiven: 0 });
  expect(await debtOf(ada)).toEqual({ owed: 70, since: clock.now() });
  expect(await buy(ada, 50, "order:2")).toMatchObject({ granted: true, repaid: 50 });
  expect(await buy(ada, 50, "order:2")).toMatchObject({ granted: false, repaid: 0 });
  expect(await buy(ada, 50, "order:3")).toMatchObject({ repaid: 20 });
  expect(await debtOf(ada)).toEqual({ owed: 0, since: null });
  expect(await available(ada)).toBe(30);
});

test("a dispute that is won gives back what other lots paid, to exactly those lots, then to the lot itself", async () => {
  const ada = await tenant("ada");
  await buy(ada, 100, "order:1");
  await spend(ada, 70);
  await back(ada, "order:1", 100);
  await buy(ada, 50, "order:2");
  await buy(ada, 50, "order:3");
  expect(await back(ada, "order:1", 0)).toEqual({ taken: 0, owed: 0, forgiven: 0 });
  expect((await balance(ada)).lots.map((lot) => lot.remaining)).toEqual([30, 50, 50]);
  expect(await back(ada, "order:1", 60)).toEqual({ taken: 30, owed: 30, forgiven: 0 });
});

test("what expired unused is let be: neither taken nor owed", async () => {
  const ada = await tenant("ada");
  await buy(ada, 100, "order:1", new Date(clock.now().getTime() + 86_400_000));
  await spend(ada, 30);
  clock.advance({ days: 2 });
  expect(await back(ada, "order:1", 100)).toEqual({ taken: 0, owed: 30, forgiven: 70 });
  expect(await back(ada, "order:1", 0)).toEqual({ taken: 0, owed: 0, forgiven: 0 });
  expect(await available(ada)).toBe(0);
});

test("of what is owed, only what was used beyond what is still paid for stays owed, whenever the rest expired", async () => {
  const ada = await tenant("ada");
  await buy(ada, 100, "order:1", new Date(clock.now().getTime() + 86_400_000));
  await spend(ada, 80);
  clock.advance({ days: 2 });
  expect(await back(ada, "order:1", 40)).toEqual({ taken: 0, owed: 20, forgiven: 20 });
  expect(await back(ada, "order:1", 100)).toEqual({ taken: 0, owed: 80, forgiven: 20 });
  expect(await back(ada, "order:1", 50)).toEqual({ taken: 0, owed: 30, forgiven: 20 });
  expect(await back(ada, "order:1", 20)).toEqual({ taken: 0, owed: 0, forgiven: 20 });
});

test("held, charged back and released: nothing is free", async () => {
  const ada = await tenant("ada");
  await buy(ada, 100, "order:1");
  const held = (await reserve(ada, { feature: "pages", units: 80 })) as Reserved;
  expect(await back(ada, "order:1", 100)).toEqual({ taken: 20, owed: 80, forgiven: 0 });
  await releaseHold(ada, { holdId: held.holdId });
  expect(await debtOf(ada)).toMatchObject({ owed: 0 });
  expect(await available(ada)).toBe(0);
  expect(await back(ada, "order:1", 100)).toEqual({ taken: 100, owed: 0, forgiven: 0 });
});

test("a consume that is refunded pays the debt of its lot first, and the rest may be spent", async () => {
  const ada = await tenant("ada");
  await buy(ada, 100, "order:1");
  await spend(ada, 80, "big");
  await back(ada, "order:1", 50);
  const [entry] =
    await owner`select id from entries where tenant_id = ${ada.tenant.id} and operation = 'consume'`;
  await refund(ada, { entryId: entry!.id, key: "sorry", reason: "it failed" });
  expect(await debtOf(ada)).toMatchObject({ owed: 0 });
  expect(await available(ada)).toBe(50);
});

test("units that come back after another purchase paid for them are taken, and that purchase has its own again", async () => {
  const ada = await tenant("ada");
  await buy(ada, 100, "order:1");
  const held = (await reserve(ada, { feature: "pages", units: 80 })) as Reserved;
  await back(ada, "order:1", 100);
  await buy(ada, 100, "order:2");
  expect(await available(ada)).toBe(20);
  await releaseHold(ada, { holdId: held.holdId });
  expect((await balance(ada)).lots.map((lot) => [lot.kind, lot.remaining])).toEqual([["purchase", 100]]);
  expect(await back(ada, "order:1", 100)).toEqual({ taken: 100, owed: 0, forgiven: 0 });
});

test("what an expired lot has left is written off once, and again when units come back to it", async () => {
  const ada = await tenant("ada");
  await buy(ada, 100, "order:1", new Date(clock.now().getTime() + 86_400_000));
  await spend(ada, 30, "big");
  expect(await writeOffExpired(ada)).toBe(0);
  clock.advance({ days: 1 });
  expect([await writeOffExpired(ada), await writeOffExpired(ada)]).toEqual([70, 0]);
  const [entry] =
    await owner`select id from entries where tenant_id = ${ada.tenant.id} and operation = 'consume'`;
  await refund(ada, { entryId: entry!.id, key: "sorry", reason: "it failed" });
  expect(await writeOffExpired(ada)).toBe(30);
  expect(await entriesOf(ada, "expire")).toEqual([
    [70, 0],
    [30, 0],
  ]);
});

test("a wrong source or target is refused, and nothing is written", async () => {
  const ada = await tenant("ada");
  await buy(ada, 10, "order:1");
  await expect(back(ada, "order:9", 1)).rejects.toMatchObject({ code: "NOT_FOUND" });
  for (const target of [-1, 11, 0.5, Number.NaN])
    await expect(back(ada, "order:1", target)).rejects.toMatchObject({ code: "INVALID_INPUT" });
  expect(await available(ada)).toBe(10);
});
