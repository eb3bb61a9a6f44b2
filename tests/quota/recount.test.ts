import { overlapping } from "@tests/support/interleave";
import { world } from "@tests/support/world";
import { and, count, eq } from "drizzle-orm";
import { expect, test } from "vitest";
import { apiKeys } from "@/server/accounts/tables";
import type { TenantCtx } from "@/server/context";
import type { Tx } from "@/server/db/client";
import { inTenant } from "@/server/db/transaction";
import { consume } from "@/server/quota/consume";
import { recount } from "@/server/quota/recount";
import { release } from "@/server/quota/release";

const { tenant, owner } = await world();

/** The product's own rows, one a place; any table of the tenant's will do. */
const insert = (of: TenantCtx & { tx: Tx }, id: string) =>
  of.tx.insert(apiKeys).values({
    tenantId: of.tenant.id,
    id,
    name: id,
    secretHash: id,
    hint: "x",
    createdBy: "test",
    createdAt: of.now(),
  });
const remove = (of: TenantCtx & { tx: Tx }, id: string) =>
  of.tx
    .delete(apiKeys)
    .where(and(eq(apiKeys.tenantId, of.tenant.id), eq(apiKeys.id, id)))
    .returning();
const inRows = (of: TenantCtx) => async (tx: Tx) => {
  const [found] = await tx.select({ rows: count() }).from(apiKeys).where(eq(apiKeys.tenantId, of.tenant.id));
  return found!.rows;
};
const recountRows = (of: TenantCtx) =>
  recount(of, { feature: "users", reason: "nightly", count: inRows(of) });

/** Takes a place and makes the row that needs it, or neither. */
const take = (of: TenantCtx, id: string) =>
  inTenant(of, async (_tx, inner) => {
    const receipt = await consume(inner, { feature: "users", key: id });
    if (receipt.allowed) await insert(inner, id);
    return receipt;
  });
const give = (of: TenantCtx, id: string) =>
  inTenant(of, async (_tx, inner) => {
    const removed = await remove(inner, id);
    if (removed.length === 1) await release(inner, { feature: "users", key: `gone-${id}` });
  });
const held = async (of: TenantCtx) => {
  const [meter] =
    await owner`select (used + over)::int as held from meters where tenant_id = ${of.tenant.id} and feature = 'users'`;
  return meter!.held as number;
};
const adjustments = (of: TenantCtx) =>
  owner`select units::int, allowance_units::int, over_units::int, used_after::int, reason, actor from entries
        where tenant_id = ${of.tenant.id} and feature = 'users' and operation = 'adjust' order by id`;
const to = (of: TenantCtx, found: number) =>
  recount(of, { feature: "users", reason: "by hand", count: async () => found });

test("a level becomes what was counted, by an entry with the difference; a count that was right writes nothing", async () => {
  const ada = await tenant("ada");
  await consume(ada, { feature: "users", units: 6 });
  expect(await to(ada, 4)).toMatchObject({ difference: -2, used: 4, over: 0, limit: 10 });
  expect(await to(ada, 9)).toMatchObject({ difference: 5, used: 9 });
  expect(await to(ada, 9)).toEqual({ entryId: null, difference: 0, used: 9, over: 0, limit: 10 });
  const actor = `user:${ada.actor.kind === "user" && ada.actor.userId}`;
  expect(await adjustments(ada)).toEqual([
    { units: 2, allowance_units: -2, over_units: 0, used_after: 4, reason: "by hand", actor },
    { units: 5, allowance_units: 5, over_units: 0, used_after: 9, reason: "by hand", actor },
  ]);
});

test("more than the limit has room for is held past it: nothing more is taken until it is given back", async () => {
  const bo = await tenant("bo");
  expect(await to(bo, 13)).toMatchObject({ difference: 13, used: 10, over: 3 });
  expect(await consume(bo, { feature: "users" })).toMatchObject({ allowed: false, used: 10, limit: 10 });
  expect(await to(bo, 11)).toMatchObject({ difference: -2, used: 10, over: 1 });
  await release(bo, { feature: "users", key: "one" });
  expect(await consume(bo, { feature: "users" })).toMatchObject({ allowed: false });
  expect(await to(bo, 0)).toMatchObject({ difference: -10, used: 0, over: 0 });
  expect(await consume(bo, { feature: "users" })).toMatchObject({ allowed: true, used: 1 });
});

test("a place that is being taken is waited for, and then counted: not twice, not never", async () => {
  const cleo = await tenant("cleo");
  const [receipt, found] = await overlapping(
    { owner },
    cleo,
    async (inner) => {
      const taken = await consume(inner, { feature: "users" });
      await insert(inner, "key_cleo");
      return taken;
    },
    () => recountRows(cleo),
  );
  expect(receipt).toMatchObject({ allowed: true, used: 1 });
  expect(found).toMatchObject({ entryId: null, difference: 0, used: 1 });
});

test("while a recount counts, nobody takes or gives back a place", async () => {
  const dan = await tenant("dan");
  await inTenant(dan, (_tx, inner) => insert(inner, "key_dan"));
  const [found, taken] = await overlapping({ owner }, dan, recountRows, () => take(dan, "key_dan_2"));
  expect(found).toMatchObject({ difference: 1, used: 1 });
  expect(taken).toMatchObject({ allowed: true, used: 2 });
});

test("takers, givers and recounts all at once: the level is what there is, and no recount finds a difference", async () => {
  const eve = await tenant("eve");
  for (let at = 0; at < 4; at += 1) await take(eve, `key_eve_old_${at}`);
  const [found] = await Promise.all([
    Promise.all(Array.from({ length: 8 }, () => recountRows(eve))),
    ...Array.from({ length: 16 }, (_, at) => take(eve, `key_eve_${at}`)),
    ...Array.from({ length: 8 }, (_, at) => give(eve, `key_eve_old_${at % 4}`)),
  ]);
  expect(found.map(({ difference }) => difference)).toEqual(Array(8).fill(0));
  expect(await held(eve)).toBe(await inTenant(eve, inRows(eve)));
  expect(await adjustments(eve)).toEqual([]);
});

test("recounts that race correct a drift once", async () => {
  const flo = await tenant("flo");
  for (let at = 0; at < 7; at += 1) await inTenant(flo, (_tx, inner) => insert(inner, `key_flo_${at}`));
  await consume(flo, { feature: "users", units: 2 });
  const found = await Promise.all(Array.from({ length: 6 }, () => recountRows(flo)));
  expect(found.map(({ difference }) => difference).sort()).toEqual([0, 0, 0, 0, 0, 5]);
  expect(await held(flo)).toBe(7);
});

test("a recount that fails, or whose transaction rolls back, changes nothing", async () => {
  const gil = await tenant("gil");
  await consume(gil, { feature: "users", units: 3 });
  const broken = { feature: "users", reason: "nightly", count: () => Promise.reject(new Error("lost")) };
  await expect(recount(gil, broken)).rejects.toThrow("lost");
  await expect(
    inTenant(gil, async (_tx, inner) => {
      await to(inner, 8);
      throw new Error("the product changed its mind");
    }),
  ).rejects.toThrow("changed its mind");
  for (const wrong of [-1, 1.5, Number.NaN, 2 ** 53])
    await expect(to(gil, wrong)).rejects.toMatchObject({ code: "INVALID_INPUT" });
  expect(await held(gil)).toBe(3);
  expect(await adjustments(gil)).toEqual([]);
});

test("crossing 80 % by a recount is told once, like any other crossing", async () => {
  const hal = await tenant("hal");
  await to(hal, 8);
  await to(hal, 9);
  const told =
    await owner`select payload ->> 'percent' as percent from outbox where tenant_id = ${hal.tenant.id} and type = 'quota.threshold'`;
  expect(told.map(({ percent }) => percent)).toEqual(["80"]);
});

test("only levels are recounted, each with a reason", async () => {
  const ida = await tenant("ida");
  const zero = async () => 0;
  const refused = (feature: string, reason: string, code: string) =>
    expect(recount(ida, { feature, reason, count: zero })).rejects.toMatchObject({ code });
  await refused("compute", "nightly", "INVALID_INPUT");
  await refused("users", "", "INVALID_INPUT");
  await refused("other", "nightly", "UNKNOWN_FEATURE");
});
