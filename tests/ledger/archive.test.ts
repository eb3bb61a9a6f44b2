import { type World, world } from "@tests/support/world";
import { sql } from "drizzle-orm";
import { beforeEach, expect, test } from "vitest";
import { type Ctx, createCtx, type TenantCtx } from "@/server/context";
import { grantCredits } from "@/server/credits/grant-credits";
import { inTenant } from "@/server/db/transaction";
import { archiveEntries } from "@/server/ledger/archive";
import { verifyBooks } from "@/server/ledger/books";
import { debtOf } from "@/server/ledger/debt";
import { takeBackTo } from "@/server/ledger/take-back";
import { writeOffExpired } from "@/server/ledger/write-off";
import { consume } from "@/server/quota/consume";
import { rollDue } from "@/server/quota/jobs";
import { release } from "@/server/quota/release";

const scene: World = await world({ start: "2026-01-10T09:00:00.000Z" });
const cron: Ctx = createCtx(scene.runtime, { kind: "cron", job: "reset" });
let year = 2026;

/** Each test plays in a year of its own: what an earlier one archived stays archived. */
beforeEach(() => {
  scene.clock.set(`${year}-01-10T09:00:00.000Z`);
  year += 1;
});

/** In the year of the running test. */
const on = (monthAndDay: string) => scene.clock.set(`${year - 1}-${monthAndDay}T09:00:00.000Z`);
const month = (number: string) => `${year - 1}-${number}`;
const archiveBefore = (before: string) =>
  archiveEntries({ ownerUrl: scene.ownerUrl, before, now: scene.clock.now() });

async function monthsFrom(at: string): Promise<void> {
  await scene.owner`select ledger_add_partitions(${`${at}-01`}::timestamptz, 12, 0)`;
}

/** January to April: credits bought and drawn, channels taken, every call with a key. */
async function aQuarter(...names: string[]): Promise<TenantCtx[]> {
  const tenants = await Promise.all(names.map((name) => scene.tenant(name)));
  for (const tenant of tenants) {
    await grantCredits(tenant, { amount: 500, kind: "purchase", source: "payment:1" });
    await consume(tenant, { feature: "channels", units: 3, key: "channels" });
  }
  for (const at of ["01-15", "02-15", "03-15"]) {
    on(at);
    for (const tenant of tenants) {
      await consume(tenant, { feature: "compute", units: 130, key: `compute:${at}` });
      await consume(tenant, { feature: "messages", units: 40, key: `messages:${at}` });
    }
  }
  on("04-20");
  await rollDue(cron);
  return tenants;
}

async function balances(ctx: TenantCtx): Promise<unknown> {
  return inTenant(ctx, async (tx) => [
    await tx.execute(
      sql`select feature, used, beyond, over, granted from meters where tenant_id = ${ctx.tenant.id} order by feature`,
    ),
    await tx.execute(
      sql`select id, granted, remaining from lots where tenant_id = ${ctx.tenant.id} order by id`,
    ),
  ]);
}

async function live(ctx: TenantCtx): Promise<string[]> {
  const rows = await scene.owner`select id from entries where tenant_id = ${ctx.tenant.id} order by id`;
  return rows.map((row) => String(row.id));
}

test.each([
  ["of their own", true],
  ["in the default partition", false],
])("months %s leave the ledger, the balances stay and the books balance", async (_where, ownPartitions) => {
  if (ownPartitions) await monthsFrom(month("01"));
  const [ada, bo] = (await aQuarter("ada", "bo")) as [TenantCtx, TenantCtx];
  const [before, all] = [await balances(ada), await live(ada)];
  expect(await verifyBooks(scene.ctx)).toEqual([]);

  on("04-21");
  const tables = await archiveBefore(month("04"));
  expect(tables).toEqual(expect.arrayContaining([`entries_${year - 1}_01`, `entries_${year - 1}_03`]));
  expect(await verifyBooks(scene.ctx)).toEqual([]);
  expect(await balances(ada)).toEqual(before);

  const stayed = await live(ada);
  const archived = await scene.owner.unsafe(
    tables
      .map((table) => `select id from archive.${table} where tenant_id = '${ada.tenant.id}'`)
      .join(" union all "),
  );
  expect(archived.length).toBeGreaterThan(6);
  const known = new Set([...stayed, ...archived.map((row) => String(row.id))]);
  expect(all.filter((id) => !known.has(id))).toEqual([]);
  expect(stayed.length).toBeLessThan(all.length);
  expect(await live(bo)).toHaveLength(stayed.length);
});

test("a replay of an archived call charges nothing and is told its entry; another request with its key is a conflict", async () => {
  const ada = await scene.tenant("ada");
  const request = { feature: "messages", units: 7, key: "old" };
  const first = await consume(ada, request);
  on("03-20");
  await rollDue(cron);
  await archiveBefore(month("03"));
  const before = await balances(ada);
  expect(await consume(ada, request)).toMatchObject({
    allowed: true,
    replayed: true,
    entryId: first.allowed && first.entryId,
  });
  await expect(consume(ada, { ...request, units: 8 })).rejects.toMatchObject({
    code: "IDEMPOTENCY_CONFLICT",
  });
  expect(await balances(ada)).toEqual(before);
});

test("what was brought forward is drawn on: lots in their order, and a level's places are given back", async () => {
  const [ada] = (await aQuarter("ada")) as [TenantCtx];
  on("04-21");
  await archiveBefore(month("04"));
  expect(await consume(ada, { feature: "compute", units: 110 })).toMatchObject({ allowed: true });
  await release(ada, { feature: "channels", units: 3, key: "all" });
  await expect(release(ada, { feature: "channels", units: 1, key: "none" })).rejects.toMatchObject({
    code: "CONFLICT",
  });
  const [lot] = await scene.owner`select remaining from lots where tenant_id = ${ada.tenant.id}`;
  expect(Number(lot?.remaining)).toBe(500 - 3 * 30 - 10);
});

test("archiving again does nothing, and later months follow with what the earlier ones brought forward", async () => {
  const [ada] = (await aQuarter("ada")) as [TenantCtx];
  on("04-21");
  const first = await archiveBefore(month("03"));
  expect(first).toContain(`entries_${year - 1}_02`);
  expect(await archiveBefore(month("03"))).toEqual([]);
  expect(await archiveBefore(month("02"))).toEqual([]);
  on("06-02");
  await consume(ada, { feature: "compute", units: 105 });
  await rollDue(cron);
  on("07-20");
  await rollDue(cron);
  const before = await balances(ada);
  expect(await archiveBefore(month("07"))).toContain(`entries_before_${year - 1}_03`);
  expect(await balances(ada)).toEqual(before);
  expect(await verifyBooks(scene.ctx)).toEqual([]);
});

test("calls go on while months are archived, and each counts once", async () => {
  const [ada, bo] = (await aQuarter("ada", "bo")) as [TenantCtx, TenantCtx];
  on("04-21");
  let isArchived = false;
  const draw = async (ctx: TenantCtx) => {
    let drawn = 0;
    while (!isArchived || drawn < 20) {
      expect(await consume(ctx, { feature: "messages", units: 1 })).toMatchObject({ allowed: true });
      drawn += 1;
    }
    return drawn;
  };
  const drawing = Promise.all([ada, bo, ada].map(draw));
  await archiveBefore(month("04"));
  isArchived = true;
  const [first, ofBo, second] = await drawing;
  const used = async ({ tenant }: TenantCtx) =>
    Number(
      (await scene.owner`select used from meters where tenant_id = ${tenant.id} and feature = 'messages'`)[0]
        ?.used,
    );
  expect([await used(ada), await used(bo)]).toEqual([first! + second!, ofBo]);
});

test("archived entries are the owner's to read and drop, and nobody else's", async () => {
  await aQuarter("ada");
  on("04-21");
  const [table] = await archiveBefore(month("02"));
  expect((await scene.owner.unsafe(`select 1 from archive.${table} limit 1`)).length).toBe(1);
  await expect(scene.db.orm.execute(sql.raw(`select 1 from archive.${table}`))).rejects.toMatchObject({
    cause: { code: "42501" },
  });
  await expect(scene.db.orm.execute(sql`select ledger_archive(now(), now())`)).rejects.toMatchObject({
    cause: { code: "42501" },
  });
  await scene.owner.unsafe(`drop table archive.${table}`);
});

test("what a running month or an open window needs is not archived, and the refusal names it", async () => {
  await scene.tenant("ada");
  await expect(archiveBefore(month("02"))).rejects.toThrow(/the month is not over yet/);
  on("02-03");
  await expect(archiveBefore(month("02"))).rejects.toThrow(
    /messages of ten_\w+: a window is over but not closed yet/,
  );
  await rollDue(cron);
  await expect(archiveBefore(month("02"))).rejects.toThrow(
    /compute of ten_\w+: a window is open since 20\d\d-01-\d\d/,
  );
  on("02-10");
  await rollDue(cron);
  expect(await archiveBefore(month("02"))).toContain(`entries_${year - 1}_01`);
});

test.each(["2026-13", "2026-1", "soon", ""])("%j is no month to archive before", async (before) => {
  await expect(archiveBefore(before)).rejects.toMatchObject({ code: "INVALID_INPUT" });
});

test("debts, repayments and what was written off stay provable, and a dispute won later gives back to who paid", async () => {
  const [ada] = await aQuarter("ada");
  const expiresAt = new Date(scene.clock.now().getTime() + 86_400_000);
  await grantCredits(ada!, { amount: 30, kind: "promo", source: "gift", expiresAt });
  await takeBackTo(ada!, { source: "payment:1", target: 500, reason: "chargeback" });
  await grantCredits(ada!, { amount: 1_000, kind: "purchase", source: "payment:2" });
  on("04-22");
  await writeOffExpired(ada!);
  const before = await debtOf(ada!);
  await monthsFrom(month("05"));
  on("06-10");
  await rollDue(cron);
  await archiveBefore(month("06"));
  expect(await verifyBooks(cron)).toEqual([]);
  await takeBackTo(ada!, { source: "payment:1", target: 0, reason: "won" });
  expect(before).toEqual({ owed: 0, since: null });
  const [lot] =
    await scene.owner`select remaining from lots where tenant_id = ${ada!.tenant.id} and source = 'payment:2'`;
  expect(Number(lot!.remaining)).toBe(1_000);
});
