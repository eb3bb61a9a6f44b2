import { type World, world } from "@tests/support/world";
import { sql } from "drizzle-orm";
import { beforeAll, describe, expect, test } from "vitest";
import { newId } from "@/lib/ids";
import type { TenantCtx } from "@/server/context";
import { grantCredits } from "@/server/credits/grant-credits";
import { inTenant, inTransaction, setTenant } from "@/server/db/transaction";
import { consume } from "@/server/quota/consume";
import { catalogRules } from "./catalog-rules";

let scene: World;
let ada: TenantCtx;
let bo: TenantCtx;
let appLogin: string;
let tenantTables: string[];

beforeAll(async () => {
  scene = await world();
  [ada, bo] = [await scene.tenant("ada"), await scene.tenant("bo")];
  appLogin = new URL(scene.appUrl).username;
  for (const ctx of [ada, bo]) {
    await grantCredits(ctx, { amount: 50, kind: "purchase", source: "test" });
    await consume(ctx, { feature: "compute", units: 120, key: "first" });
  }
  const rows =
    await scene.owner`select table_name from information_schema.columns where table_schema = 'public' and column_name = 'tenant_id'
    and table_name in (select tablename from pg_tables where schemaname = 'public')`;
  tenantTables = rows.map((row) => String(row.table_name));
});

async function breaches(sqlClient: Pick<World["owner"], "unsafe">, text: string): Promise<string[]> {
  const params = text.includes("$1") ? [appLogin] : [];
  return (await sqlClient.unsafe(text, params)).map((row) => String(row.breach));
}

describe("the catalog", () => {
  test.each(catalogRules)("$name", async (rule) => {
    expect(await breaches(scene.owner, rule.breaches)).toEqual([]);
  });

  const samples = catalogRules.flatMap((rule) => rule.bad.map((bad) => ({ ...rule, bad })));
  test.each(samples)("a breach is seen: $name: $bad", async (rule) => {
    let found: string[] = [];
    const undone = scene.owner.begin(async (tx) => {
      await tx.unsafe(rule.bad);
      found = await breaches(tx, rule.breaches);
      throw new Error("undo");
    });
    await expect(undone).rejects.toThrow("undo");
    expect(found).not.toEqual([]);
  });
});

describe("rows", () => {
  test("the scene has rows of both tenants in every table of the gate", () => {
    expect(tenantTables).toEqual(
      expect.arrayContaining(["tenants", "meters", "lots", "entries", "entries_default", "audit_events"]),
    );
  });

  test.each([null, "", "garbage", "' or true --"])(
    "with the tenant set to %j, every table is empty and nothing fails",
    async (value) => {
      for (const table of tenantTables) {
        const rows = await inTransaction(scene.ctx, async (tx) => {
          if (value !== null) await setTenant(tx, value);
          return tx.execute(sql`select count(*)::int as n from ${sql.identifier(table)}`);
        });
        expect(rows, table).toMatchObject([{ n: 0 }]);
      }
    },
  );

  test("one tenant's transaction never sees or makes another tenant's rows", async () => {
    for (const table of tenantTables) {
      const name = sql.identifier(table);
      const foreign = sql`tenant_id <> ${ada.tenant.id}`;
      const [stored] =
        await scene.owner`select count(*)::int as n from ${scene.owner(table)} where tenant_id = ${bo.tenant.id}`;
      const [seen] = await inTenant(ada, (tx) =>
        tx.execute(sql`select count(*)::int as n from ${name} where ${foreign}`),
      );
      expect(seen, table).toEqual({ n: 0 });
      if (stored?.n === 0) continue;
      const row = JSON.stringify(await rowOf(table));
      const columns = sql.raw(await givenColumns(table));
      const insert = sql`insert into ${name} (${columns}) select ${columns} from jsonb_populate_record(null::${name}, ${row}::jsonb)`;
      const moved = inTenant(ada, (tx) => tx.execute(insert));
      await expect(moved, table).rejects.toMatchObject({ cause: { code: "42501" } });
    }
  });

  test("an entry that draws on another tenant's lot is a breach of the books", async () => {
    const [lot] = await scene.owner`select id from lots where tenant_id = ${bo.tenant.id}`;
    let found: string[] = [];
    const undone = scene.owner.begin(async (tx) => {
      await tx`insert into entries (tenant_id, id, operation, feature, units, lot_units, beyond_units, lot_ids, lot_draws, actor, created_at)
        values (${ada.tenant.id}, ${newId("entry", scene.clock.now())}, 'consume', 'compute', 1, 1, 1, ${[String(lot?.id)]}, ${[1]}, 'test', now())`;
      found = (await tx`select invariant from ledger_books(now())`).map((row) => String(row.invariant));
      throw new Error("undo");
    });
    await expect(undone).rejects.toThrow("undo");
    expect(found).toContain("lot: what is drawn exists");
  });
});

describe("functions that see every row", () => {
  /** Those that are told whose rows: with their arguments, everything but the tenant null. */
  const callsAbout = (tenantId: string) => scene.owner`
    select proname as name, format('select %I(%s)', proname, (
        select string_agg(case name when 'p_tenant' then quote_literal(${tenantId}) when 'p_group_tenants' then format('array[%L]', ${tenantId}::text)
                          else 'null::' || format_type(type, null) end, ', ' order by at)
        from unnest(p.proargnames[1:pronargs], p.proargtypes::oid[]) with ordinality q(name, type, at))) as call
    from pg_proc p
    where prosecdef and pronamespace = 'public'::regnamespace and proargnames && '{p_tenant,p_group_tenants}' and has_function_privilege('tollgate_app', oid, 'execute')
    order by 1`;

  test("refuse another tenant than the open transaction's", async () => {
    const calls = await callsAbout(bo.tenant.id);
    expect(calls.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["gate_consume", "gate_consume_meter", "gate_consume_one", "gate_reserve"]),
    );
    const answers = await Promise.all(
      calls.map(async ({ name, call }) => [
        name,
        await inTenant(ada, (tx) => tx.execute(sql.raw(String(call)))).then(
          () => "answered",
          ({ cause }) => cause.code,
        ),
      ]),
    );
    expect(answers).toEqual(calls.map(({ name }) => [name, "42501"]));
  });
});

describe("append-only tables", () => {
  test("refuse UPDATE and DELETE, as the app and as the owner", async () => {
    const triggers =
      await scene.owner`select tgrelid::regclass::text as name from pg_trigger where tgname = 'append_only' and tgparentid = 0 order by 1`;
    const names = triggers.map((row) => String(row.name));
    expect(names).toEqual(
      expect.arrayContaining(["audit_events", "entries", "idempotency_keys", "plan_versions"]),
    );
    for (const name of names) {
      const [column] =
        await scene.owner`select attname from pg_attribute where attrelid = ${name}::regclass and attnum = 1`;
      await expectRefused(name, String(column?.attname));
    }
  });

  test("refuse it to who names a partition instead, too", async () => {
    const [row] =
      await scene.owner`select distinct tableoid::regclass::text as partition from entries limit 1`;
    await expectRefused(String(row?.partition), "tenant_id");
  });
});

async function expectRefused(table: string, column: string): Promise<void> {
  for (const text of [`update ${table} set ${column} = ${column}`, `delete from ${table}`]) {
    await expect(scene.owner.unsafe(text), text).rejects.toMatchObject({ code: "42501" });
    const asApp = inTenant(ada, (tx) => tx.execute(sql.raw(text)));
    await expect(asApp, text).rejects.toMatchObject({ cause: { code: "42501" } });
  }
}

/** Some row of bo's, as it stands, to be pushed through ada's transaction. */
/** PostgreSQL reckons the generated ones itself. */
async function givenColumns(table: string): Promise<string> {
  const rows = await scene.owner`
    select quote_ident(attname) as name from pg_attribute
    where attrelid = ${table}::regclass and attnum > 0 and not attisdropped and attgenerated = ''`;
  return rows.map(({ name }) => name).join(", ");
}

async function rowOf(table: string): Promise<unknown> {
  const [row] =
    await scene.owner`select to_jsonb(t) as row from ${scene.owner(table)} t where tenant_id = ${bo.tenant.id} limit 1`;
  return row?.row;
}
