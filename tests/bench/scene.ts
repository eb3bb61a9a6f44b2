import { withLogin } from "@tests/support/urls";
import postgres from "postgres";
import { prices } from "@/config/plans";
import { provenTenantId } from "@/lib/ids";
import type { TenantRef } from "@/server/context";
import { type Database, openDatabase } from "@/server/db/client";
import { ensureDatabase, startEmbeddedPostgres } from "@/server/db/embedded";
import { migrate } from "@/server/db/migrate";

export interface Scene {
  db: Database;
  owner: postgres.Sql;
  /** The raw statement's own connections: 16, as many as gave it its best rate. */
  raw: postgres.Sql;
  tenants: number;
  stop(): Promise<void>;
}

/** A durable PostgreSQL (fsync and synchronous_commit on) with `tenants` tenants, fresh for each run. */
export async function openScene(tenants: number): Promise<Scene> {
  const server = await startEmbeddedPostgres({ dir: ".data-bench/postgres", durable: true });
  const admin = postgres(server.ownerUrl, { max: 1, onnotice: () => {} });
  await admin`drop database if exists bench with (force)`;
  const ownerUrl = await ensureDatabase(server.ownerUrl, "bench");
  await migrate({ ownerUrl, appUrl: withLogin(ownerUrl) });
  const owner = postgres(ownerUrl, { max: 2, onnotice: () => {} });
  await populate(owner, tenants);
  const db = openDatabase(withLogin(ownerUrl));
  const raw = postgres(withLogin(ownerUrl), { max: 16, fetch_types: false, onnotice: () => {} });
  const stop = async () => {
    await Promise.all([db.close(), raw.end({ timeout: 5 }), owner.end({ timeout: 5 })]);
    await admin`drop database if exists bench with (force)`;
    await admin.end({ timeout: 5 });
    await server.stop();
  };
  return { db, owner, raw, tenants, stop };
}

async function populate(owner: postgres.Sql, tenants: number): Promise<void> {
  await owner`insert into tenants (tenant_id, slug, name, time_zone, created_at)
    select 'ten_' || lpad(g::text, 26, '0'), 'bench-' || g, 'Bench', 'UTC', now() from generate_series(0, ${tenants - 1}::int) g`;
  await owner`insert into meters (tenant_id, feature, kind, plan_version, allowance, granted, window_unit, time_zone, window_starts_at, window_ends_at, overflow)
    select tenant_id, 'messages', 'meter', 'free@1', 1000000000000, 1000000000000, 'month', 'UTC', now() - interval '1 day', now() + interval '27 days', 'deny' from tenants`;
  await owner.unsafe(`
    create table bench_balance (tenant_id text primary key, used bigint not null, allowance bigint not null) with (fillfactor = 75);
    create table bench_entries (created_at timestamptz not null default clock_timestamp(), tenant_id text not null, units bigint not null, used bigint not null);
    insert into bench_balance select tenant_id, 0, 1000000000000 from tenants;
    grant select, insert, update on bench_balance, bench_entries to tollgate_app;`);
  await owner`vacuum analyze`;
}

export function benchTenant(index: number): TenantRef {
  return {
    id: provenTenantId(`ten_${String(index).padStart(26, "0")}`),
    slug: `bench-${index}`,
    timeZone: "UTC",
    role: "owner",
  };
}

export const benchPrices = prices;
