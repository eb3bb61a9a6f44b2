import postgres from "postgres";
import { newId, provenTenantId } from "@/lib/ids";
import type { PriceList } from "@/lib/price-list";
import { tenants } from "@/server/accounts/tables";
import { type Ctx, createCtx, type TenantCtx } from "@/server/context";
import { type Database, type DatabaseOptions, openDatabase } from "@/server/db/client";
import { setTenant } from "@/server/db/transaction";
import { entitleDefault } from "@/server/entitlements/entitle";

/** A database to play in. The proofs also run outside of vitest, so nothing here knows of it. */
export interface Stage {
  db: Database;
  /** As the superuser: to look at everything, and to clear up. */
  owner: postgres.Sql;
  prices: PriceList;
  close(): Promise<void>;
}

export function openStage(
  urls: { appUrl: string; ownerUrl: string },
  prices: PriceList,
  options: DatabaseOptions = {},
): Stage {
  const db = openDatabase(urls.appUrl, options);
  const owner = postgres(urls.ownerUrl, { max: 2, onnotice: () => {} });
  return {
    db,
    owner,
    prices,
    close: async () => {
      await db.close();
      await owner.end({ timeout: 5 });
    },
  };
}

export function systemCtx(stage: Pick<Stage, "db" | "prices">, now: () => Date): Ctx {
  const { db, prices } = stage;
  return createCtx(
    {
      db,
      now,
      prices,
      stripe: undefined as never,
      appUrl: "http://app.test",
      keyFor: undefined as never,
      clientAddressHeader: null,
    },
    { kind: "system", reason: "proof" },
  );
}

/** A tenant on the default plan with a clock of its own, made as cheaply as can be. */
export async function newTenant(
  stage: Pick<Stage, "db" | "prices">,
  now: () => Date,
  timeZone = "UTC",
): Promise<TenantCtx> {
  const id = provenTenantId(newId("tenant", now()));
  const slug = id.replace("_", "-");
  const ctx: TenantCtx = { ...systemCtx(stage, now), tenant: { id, slug, timeZone, role: null } };
  await stage.db.orm.transaction(async (tx) => {
    await setTenant(tx, id);
    await tx.insert(tenants).values({ tenantId: id, slug, name: slug, timeZone, createdAt: now() });
    await entitleDefault({ ...ctx, tx } as TenantCtx);
  });
  return ctx;
}

/** The tenant of that id, as another process left it. */
export function sameTenant(stage: Pick<Stage, "db" | "prices">, now: () => Date, id: string): TenantCtx {
  const tenant = { id: provenTenantId(id), slug: id, timeZone: "UTC", role: null };
  return { ...systemCtx(stage, now), tenant };
}

/** Leaves no row of a tenant, so that the next history's books are about its own. */
export async function forget(stage: Stage, tenantId: string): Promise<void> {
  const tables = await tenantTables(stage);
  const deletes = tables.map((name) => `delete from ${name} where tenant_id = '${tenantId}'`);
  await stage.owner.unsafe(
    ["select set_config('session_replication_role', 'replica', true)", ...deletes].join("; "),
  );
}

const known = new WeakMap<Stage, Promise<string[]>>();

function tenantTables(stage: Stage): Promise<string[]> {
  const names = known.get(stage) ?? listTables(stage);
  known.set(stage, names);
  return names;
}

async function listTables({ owner }: Stage): Promise<string[]> {
  const rows =
    await owner`select c.oid::regclass::text as name from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
      and a.attname = 'tenant_id' and not a.attisdropped`;
  return rows.map((row) => String(row.name));
}
