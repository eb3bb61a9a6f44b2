import { world } from "@tests/support/world";
import { eq } from "drizzle-orm";
import { expect, test } from "vitest";
import { apiKeys } from "@/server/accounts/tables";
import { grantCredits } from "@/server/credits/grant-credits";
import { inTenant } from "@/server/db/transaction";
import { block } from "@/server/entitlements/block";
import { outbox } from "@/server/events/tables";
import { check } from "@/server/quota/check";
import { consume } from "@/server/quota/consume";
import type { Receipt } from "@/server/quota/rules";
import { status } from "@/server/quota/status";

const { tenant, owner, clock, ctx } = await world();

const allowed = (receipts: Receipt[]) => receipts.filter((receipt) => receipt.allowed);
const entryCount = async (tenantId: string) =>
  Number(
    (await owner`select count(*) from entries where tenant_id = ${tenantId} and operation = 'consume'`)[0]!
      .count,
  );

test("1,000 parallel consumes on 500 units: exactly 500 succeed", async () => {
  const ada = await tenant("ada");
  await owner`update meters set granted = 500, allowance = 500 where tenant_id = ${ada.tenant.id} and feature = 'messages'`;
  await owner`alter table entries disable trigger append_only`;
  await owner`update entries set granted_after = 500, units = 500 where tenant_id = ${ada.tenant.id} and feature = 'messages'`;
  await owner`alter table entries enable trigger append_only`;
  const receipts = await Promise.all(
    Array.from({ length: 1_000 }, () => consume(ada, { feature: "messages" })),
  );
  expect(allowed(receipts)).toHaveLength(500);
  expect(await entryCount(ada.tenant.id)).toBe(500);
  const refusals = receipts.filter((receipt) => !receipt.allowed);
  expect(new Set(refusals.map((refusal) => JSON.stringify(refusal))).size).toBe(1);
  expect(refusals[0]).toMatchObject({ reason: "quota", used: 500, limit: 500, missing: 1, upgradeTo: "pro" });
  const used = allowed(receipts)
    .map((receipt) => receipt.used)
    .sort((a, b) => a - b);
  expect(used).toEqual(Array.from({ length: 500 }, (_, at) => at + 1));
});

test("the same key 50 times in parallel: one entry, 50 equal answers", async () => {
  const ada = await tenant("ada");
  const receipts = await Promise.all(
    Array.from({ length: 50 }, () => consume(ada, { feature: "compute", units: 7, key: "run-1" })),
  );
  expect(await entryCount(ada.tenant.id)).toBe(1);
  const bare = receipts.map((receipt) => JSON.stringify({ ...receipt, replayed: null }));
  expect(new Set(bare).size).toBe(1);
  expect(receipts.filter((receipt) => receipt.allowed && !receipt.replayed)).toHaveLength(1);
  expect(receipts[0]).toMatchObject({ used: 7 });
});

test("a key reused with other units, another feature or other properties is a conflict", async () => {
  const ada = await tenant("ada");
  await consume(ada, { feature: "compute", units: 7, key: "k", properties: { model: "small" } });
  for (const other of [
    { feature: "compute", units: 8, key: "k", properties: { model: "small" } },
    { feature: "messages", units: 7, key: "k", properties: { model: "small" } },
    { feature: "compute", units: 7, key: "k", properties: { model: "large" } },
    { feature: "compute", units: 7, key: "k" },
  ]) {
    await expect(consume(ada, other)).rejects.toMatchObject({ code: "IDEMPOTENCY_CONFLICT" });
  }
  expect(await entryCount(ada.tenant.id)).toBe(1);
});

test("one key on two meters at the same time: one wins, the other is a conflict, nothing is drawn twice", async () => {
  const ada = await tenant("ada");
  const both = await Promise.allSettled([
    inTenant(ada, (_tx, inner) => consume(inner, { feature: "compute", key: "same" })),
    inTenant(ada, (_tx, inner) => consume(inner, { feature: "messages", key: "same" })),
  ]);
  expect(both.filter((result) => result.status === "fulfilled")).toHaveLength(1);
  expect(await entryCount(ada.tenant.id)).toBe(1);
});

test("a consume inside a product transaction that rolls back leaves no trace", async () => {
  const ada = await tenant("ada");
  const before =
    await owner`select md5(string_agg(t::text, '' order by t::text)) from (select entries::text t from entries union all select meters::text from meters union all select outbox::text from outbox) q`;
  await expect(
    inTenant(ada, async (tx, inner) => {
      const receipt = await consume(inner, { feature: "compute", units: 90, key: "doomed" });
      expect(receipt.allowed).toBe(true);
      await tx.insert(apiKeys).values({
        tenantId: ada.tenant.id,
        id: "key_doomed",
        name: "what the product wrote",
        secretHash: "x",
        hint: "x",
        createdBy: "test",
        createdAt: ada.now(),
      });
      throw new Error("the product changed its mind");
    }),
  ).rejects.toThrow("changed its mind");
  const after =
    await owner`select md5(string_agg(t::text, '' order by t::text)) from (select entries::text t from entries union all select meters::text from meters union all select outbox::text from outbox) q`;
  expect(after).toEqual(before);
  expect(await owner`select 1 from api_keys where id = 'key_doomed'`).toHaveLength(0);
  expect(await consume(ada, { feature: "compute", units: 90, key: "doomed" })).toMatchObject({
    allowed: true,
    replayed: false,
    used: 90,
  });
});

test("past the allowance whole credits pay, in draw order, and the receipt names the lots", async () => {
  const ada = await tenant("ada");
  const bought = await grantCredits(ada, { amount: 50, kind: "purchase", source: "payment:1" });
  const promo = await grantCredits(ada, {
    amount: 10,
    kind: "promo",
    source: "promo:1",
    expiresAt: new Date(ada.now().getTime() + 86_400_000),
  });
  await consume(ada, { feature: "compute", units: 95 });
  const receipt = await consume(ada, { feature: "compute", units: 20 });
  expect(receipt).toMatchObject({
    allowed: true,
    used: 100,
    remaining: 0,
    drawn: {
      allowance: 5,
      credits: 15,
      lots: [
        { lotId: promo.lotId, units: 10 },
        { lotId: bought.lotId, units: 5 },
      ],
    },
  });
  expect(await status(ada)).toMatchObject({ credits: { available: 45 } });
});

test("not enough is all or nothing: what is short, when it resets and what would help", async () => {
  const ada = await tenant("ada");
  await grantCredits(ada, { amount: 5, kind: "purchase", source: "payment:2" });
  const receipt = await consume(ada, { feature: "compute", units: 120 });
  expect(receipt).toMatchObject({
    allowed: false,
    reason: "no_credits",
    used: 0,
    limit: 100,
    missing: 15,
    upgradeTo: "pro",
  });
  expect(receipt.resetsAt).toEqual(new Date(ada.now().getTime() + 7 * 86_400_000));
  expect(await status(ada)).toMatchObject({ credits: { available: 5 } });
});

test("an expired lot is unspendable the instant it expires", async () => {
  const ada = await tenant("ada");
  const expiresAt = new Date(ada.now().getTime() + 60_000);
  await grantCredits(ada, { amount: 10, kind: "promo", source: "promo:2", expiresAt });
  await consume(ada, { feature: "compute", units: 100 });
  clock.advance({ seconds: 59 });
  expect(await consume(ada, { feature: "compute" })).toMatchObject({ allowed: true });
  clock.advance({ seconds: 1 });
  expect(await consume(ada, { feature: "compute" })).toMatchObject({ allowed: false });
  expect(await status(ada)).toMatchObject({ credits: { available: 0 } });
});

test("80 % and 100 % are told once per window, in the same transaction", async () => {
  const ada = await tenant("ada");
  const told = async () =>
    (await inTenant(ada, (tx) => tx.select().from(outbox).where(eq(outbox.tenantId, ada.tenant.id)))).map(
      (row) => row.payload.percent,
    );
  expect(await consume(ada, { feature: "compute", units: 79 })).toMatchObject({ crossed: null });
  expect(await told()).toEqual([]);
  expect(await consume(ada, { feature: "compute", units: 1 })).toMatchObject({ crossed: 80 });
  expect(await consume(ada, { feature: "compute", units: 19 })).toMatchObject({ crossed: null });
  expect(await consume(ada, { feature: "compute", units: 1 })).toMatchObject({ crossed: 100 });
  expect(await told()).toEqual([80, 100]);
  clock.advance({ days: 7 });
  expect(await consume(ada, { feature: "compute", units: 100 })).toMatchObject({ crossed: 100 });
  expect(await told()).toEqual([80, 100, 80, 100]);
});

test("check gives the decision that consume then carries out, and writes nothing", async () => {
  const ada = await tenant("ada");
  await grantCredits(ada, { amount: 9, kind: "purchase", source: "payment:3" });
  for (const units of [1, 60, 45, 30, 4, 2]) {
    const before = await entryCount(ada.tenant.id);
    const decision = await check(ada, { feature: "compute", units });
    expect(await entryCount(ada.tenant.id)).toBe(before);
    const receipt = await consume(ada, { feature: "compute", units });
    expect(receipt).toMatchObject({ ...decision });
  }
});

test("flags are on or off and caps fit or don't, by the tenant's own plan version", async () => {
  const ada = await tenant("ada");
  expect(await check(ada, { feature: "threads" })).toMatchObject({ allowed: true });
  expect(await check(ada, { feature: "sso" })).toMatchObject({
    allowed: false,
    reason: "not_in_plan",
    upgradeTo: "enterprise",
  });
  expect(await check(ada, { feature: "upload_mb", units: 10 })).toMatchObject({ allowed: true, limit: 10 });
  expect(await check(ada, { feature: "upload_mb", units: 300 })).toMatchObject({
    allowed: false,
    missing: 290,
    upgradeTo: "enterprise",
  });
  await expect(consume(ada, { feature: "sso" })).rejects.toMatchObject({ code: "INVALID_INPUT" });
  await expect(check(ada, { feature: "teleport" })).rejects.toMatchObject({ code: "UNKNOWN_FEATURE" });
  await expect(check(ada, { feature: "constructor" })).rejects.toMatchObject({ code: "UNKNOWN_FEATURE" });
});

test("one tenant's denial or replay in a batch never touches its neighbours", async () => {
  const [ada, bo, cleo] = [await tenant("ada"), await tenant("bo"), await tenant("cleo")];
  await consume(bo, { feature: "compute", units: 100 });
  await consume(cleo, { feature: "compute", units: 3, key: "again" });
  const [a, b, c, d] = await Promise.all([
    consume(ada, { feature: "compute", units: 40 }),
    consume(bo, { feature: "compute", units: 1 }),
    consume(cleo, { feature: "compute", units: 3, key: "again" }),
    consume(cleo, { feature: "compute", units: 4 }),
  ]);
  expect(a).toMatchObject({ allowed: true, used: 40 });
  expect(b).toMatchObject({ allowed: false, missing: 1 });
  expect(c).toMatchObject({ allowed: true, replayed: true, used: 3 });
  expect(d).toMatchObject({ allowed: true, used: 7 });
});

test("a blocked tenant is denied, and says why", async () => {
  const ada = await tenant("ada");
  await block(ada, { reason: "past_due" });
  expect(await consume(ada, { feature: "compute" })).toMatchObject({
    allowed: false,
    reason: "blocked",
    blockedBecause: "past_due",
    upgradeTo: null,
  });
});

test("the gate refuses another tenant than the open transaction's", async () => {
  const [ada, bo] = [await tenant("ada"), await tenant("bo")];
  const before = await entryCount(bo.tenant.id);
  await expect(
    inTenant(ada, (_tx, inner) => consume({ ...inner, tenant: bo.tenant }, { feature: "compute" })),
  ).rejects.toThrow();
  expect(await entryCount(bo.tenant.id)).toBe(before);
  expect(ctx.tenant).toBeUndefined();
});
