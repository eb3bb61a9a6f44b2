import { randomBytes } from "node:crypto";
import { TestClock } from "@tests/support/clock";
import { withDatabase } from "@tests/support/urls";
import postgres from "postgres";
import { afterAll, describe, expect, inject, test } from "vitest";
import { prices } from "@/config/plans";
import { provenTenantId } from "@/lib/ids";
import { createCtx, type TenantCtx } from "@/server/context";
import { openDatabase } from "@/server/db/client";
import { migrate } from "@/server/db/migrate";
import { archiveEntries } from "@/server/ledger/archive";
import { verifyBooks } from "@/server/ledger/books";
import { consume } from "@/server/quota/consume";
import { rollDue } from "@/server/quota/jobs";
import { applyFirstMigration, FIRST_NOW, FIRST_ROWS, FIRST_TENANT } from "./first-database";

const serverUrl = inject("ownerUrl");
const admin = postgres(serverUrl, { max: 1, onnotice: () => {} });
const closing: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const close of closing.reverse()) await close();
  await admin.end({ timeout: 5 });
});

const withUser = (url: string, user: string) => {
  const changed = new URL(url);
  changed.username = user;
  changed.password = user;
  return changed.href;
};

interface Place {
  ownerUrl: string;
  appUrl: string;
  /** The superuser, whom no wall stops. */
  root: postgres.Sql;
}

/** A database at the first migration, with rows. A plain owner has what a hoster gives: its database, and making roles. */
async function firstDatabase(owner: "superuser" | "plain owner"): Promise<Place> {
  const name = `test_${process.pid}_${randomBytes(6).toString("hex")}`;
  const [login, plain] = [`login_${name}`, `owner_${name}`];
  closing.push(async () => {
    await admin`drop database if exists ${admin(name)} with (force)`;
    for (const role of [login, plain]) await admin`drop role if exists ${admin(role)}`;
  });
  await admin`create database ${admin(name)}`;
  const rootUrl = withDatabase(serverUrl, name);
  if (owner === "plain owner") {
    await admin.unsafe(`create role ${plain} login createrole password '${plain}'`);
    await admin.unsafe(`grant tollgate_app, tollgate_gate to ${plain} with admin option`);
    await admin.unsafe(`alter database ${name} owner to ${plain}`);
  }
  const root = postgres(rootUrl, { max: 1, onnotice: () => {} });
  closing.push(() => root.end({ timeout: 5 }));
  const ownerUrl = owner === "superuser" ? rootUrl : withUser(rootUrl, plain);
  await applyFirstMigration(ownerUrl);
  await root.unsafe(FIRST_ROWS);
  return { ownerUrl, appUrl: withUser(rootUrl, login), root };
}

function tenantCtx({ appUrl }: Place, clock = new TestClock(FIRST_NOW)): TenantCtx {
  const db = openDatabase(appUrl);
  closing.push(() => db.close());
  const outside = {
    stripe: undefined as never,
    appUrl: "",
    keyFor: undefined as never,
    clientAddressHeader: null,
  };
  const runtime = { db, now: clock.now, prices, ...outside };
  const tenant = { ...FIRST_TENANT, id: provenTenantId(FIRST_TENANT.id), role: "owner" as const };
  return { ...createCtx(runtime, { kind: "user", userId: "ada" }), tenant };
}

describe.each(["superuser", "plain owner"] as const)(
  "a database of the first version, owned by a %s",
  (owner) => {
    test("keeps every row, draw and key, and its books balance, also after migrating again", async () => {
      const place = await firstDatabase(owner);
      const { root } = place;
      const before =
        await root`select id, operation, feature, units, allowance_units, credits, used_after, granted_after, created_at
      from entries order by id`;
      const meters = await root`select feature, used, granted, window_ends_at from meters order by feature`;
      const lots = await root`select id, granted, remaining, closed_at from lots order by id`;

      expect((await migrate(place)).applied).toBeGreaterThan(0);
      expect(await migrate(place)).toEqual({ applied: 0 });

      expect([
        ...(await root`select id, operation, feature, units, allowance_units, credits, used_after, granted_after, created_at
        from entries order by id`),
      ]).toEqual([...before]);
      expect([
        ...(await root`select feature, used, granted, window_ends_at from meters order by feature`),
      ]).toEqual([...meters]);
      expect([...(await root`select id, granted, remaining, closed_at from lots order by id`)]).toEqual([
        ...lots,
      ]);
      expect([
        ...(await root`select lot_ids, lot_draws::int[] from entries where lot_ids is not null`),
      ]).toEqual([{ lot_ids: ["lot_a", "lot_b"], lot_draws: [5, 15] }]);
      expect([...(await root`select key from idempotency_keys order by key`)]).toEqual([
        { key: "key:first" },
        { key: "key:seats" },
      ]);
      expect(await verifyBooks(tenantCtx(place))).toEqual([]);
    });

    test("files its rows by month, answers its old keys, and goes on", async () => {
      const place = await firstDatabase(owner);
      await migrate(place);
      const ctx = tenantCtx(place);
      const partitions = await place.root`select distinct tableoid::regclass::text as name from entries`;
      expect([...partitions]).toEqual([{ name: "entries_2026_03" }]);
      const old = { feature: "compute", units: 120, key: "first", properties: { job: "a" } };
      expect(await consume(ctx, old)).toMatchObject({ allowed: true, replayed: true });
      await expect(consume(ctx, { ...old, units: 1 })).rejects.toMatchObject({
        code: "IDEMPOTENCY_CONFLICT",
      });
      expect(await consume(ctx, { feature: "compute", units: 35 })).toMatchObject({ allowed: true });
      expect(await consume(ctx, { feature: "compute", units: 1 })).toMatchObject({ allowed: false });
      expect([...(await place.root`select id, remaining::int from lots order by id`)]).toEqual([
        { id: "lot_a", remaining: 0 },
        { id: "lot_b", remaining: 0 },
      ]);
      expect(await verifyBooks(ctx)).toEqual([]);
    });

    test("lets its old months be archived", async () => {
      const place = await firstDatabase(owner);
      await migrate(place);
      const clock = new TestClock("2026-05-20T09:00:00.000Z");
      const ctx = tenantCtx(place, clock);
      const { tenant: _, ...cron } = ctx;
      await rollDue(cron);
      const { ownerUrl } = place;
      expect(await archiveEntries({ ownerUrl, before: "2026-05", now: clock.now() })).toEqual([
        "entries_2026_03",
      ]);
      expect(await verifyBooks(ctx)).toEqual([]);
      const old = { feature: "compute", units: 120, key: "first", properties: { job: "a" } };
      expect(await consume(ctx, old)).toMatchObject({ allowed: true, replayed: true });
      expect((await migrate(place)).applied).toBe(0);
    });
  },
);
