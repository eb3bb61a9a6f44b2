import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { drizzle } from "drizzle-orm/postgres-js";
import { migrate } from "drizzle-orm/postgres-js/migrator";
import postgres from "postgres";

const MIGRATIONS = path.resolve("src/server/db/migrations");
const FIRST = "0000_first.sql";

/** Brings an empty database to where the very first migration left it, as its owner. */
export async function applyFirstMigration(ownerUrl: string): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), "tollgate-first-"));
  const sql = postgres(ownerUrl, { max: 1, onnotice: () => {} });
  try {
    const journal = JSON.parse(await readFile(path.join(MIGRATIONS, "meta/_journal.json"), "utf8"));
    await mkdir(path.join(folder, "meta"));
    const first = { ...journal, entries: journal.entries.slice(0, 1) };
    await writeFile(path.join(folder, "meta/_journal.json"), JSON.stringify(first));
    await cp(path.join(MIGRATIONS, FIRST), path.join(folder, FIRST));
    await migrate(drizzle(sql), { migrationsFolder: folder });
    await sql.unsafe(FIRST_WALLS);
  } finally {
    await sql.end({ timeout: 5 });
    await rm(folder, { recursive: true });
  }
}

/** The walls, triggers and functions that stood on those tables and are in a migration's way. */
const FIRST_WALLS = `
  create function refuse_change() returns trigger language plpgsql as $$
  begin raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege'; end $$;
  create trigger append_only before update or delete on entries for each row execute function refuse_change();
  create trigger append_only before update or delete on draws for each row execute function refuse_change();
  create function meters_keep_policy() returns trigger language plpgsql as $$
  begin
    if new.overflow_credits < 1 then raise exception 'a rate is above 0'; end if;
    return new;
  end $$;
  create trigger meters_policy before insert or update of kind, allowance, overflow_credits on meters
    for each row execute function meters_keep_policy();
  create type gate_answer as (status text, lot_ids text[]);
  create function gate_one(p_tenant text) returns gate_answer language sql as $$ select null::gate_answer $$;
  create function ledger_books() returns table (invariant text, tenant_id text, subject text, detail text)
    language sql as $$ select ''::text, d.tenant_id, d.lot_id, '' from draws d $$;
  do $$
  declare t text;
  begin
    foreach t in array array['tenants', 'meters', 'lots', 'entries', 'draws'] loop
      execute format('alter table %I enable row level security', t);
      execute format('alter table %I force row level security', t);
      execute format('create policy tenant_wall on %I using (tenant_id = (select current_setting(''app.tenant_id'', true)))', t);
    end loop;
  end $$;`;

const TENANT = "ten_06eavhmtg1r010000sc9gc1fa0";
export const FIRST_TENANT = { id: TENANT, slug: "ada", timeZone: "UTC" };
/** Within the windows below. */
export const FIRST_NOW = "2026-03-04T09:00:00.000Z";
const START = "2026-03-02T09:00:00Z";

/** Two tenants' rows as that version wrote them: allowance and lots drawn, a level held, keys given and not given. */
export const FIRST_ROWS = `
  insert into tenants values ('${TENANT}', 'ada', 'Ada', 'UTC', '${START}');
  insert into meters (tenant_id, feature, kind, plan_version, allowance, granted, used, window_unit, anchor_at, time_zone, window_starts_at, window_ends_at, overflow)
    values ('${TENANT}', 'compute', 'meter', 'free@1', 100, 100, 100, 'week', '${START}', 'UTC', '${START}', '2026-03-09T09:00:00Z', 'credits'),
           ('${TENANT}', 'messages', 'meter', 'free@1', 10000, 10000, 40, 'month', null, 'UTC', '2026-03-01', '2026-04-01', 'deny'),
           ('${TENANT}', 'channels', 'level', 'free@1', 5, 5, 2, null, null, 'UTC', '${START}', null, 'deny');
  insert into lots (tenant_id, id, unit, kind, granted, remaining, starts_at, priority, source, created_at, closed_at)
    values ('${TENANT}', 'lot_a', 'credits', 'promo', 5, 0, '${START}', 30, 'seed:a', '${START}', '${START}'),
           ('${TENANT}', 'lot_b', 'credits', 'purchase', 50, 35, '${START}', 60, 'payment:b', '${START}', null);
  insert into entries (tenant_id, id, idempotency_key, operation, feature, units, allowance_units, credits, used_after, granted_after,
                       window_starts_at, window_ends_at, plan_version, actor, properties, created_at)
    select '${TENANT}', id, key, operation, feature, units, allowance, credits, used, granted, starts_at::timestamptz, ends_at::timestamptz, 'free@1', 'user:ada',
           properties::jsonb, '${START}'
    from (values
      ('ent_06eavhmtg1r01000000000000a', 'window:compute', 'grant', 'compute', 100, 0, 0, 0, 100, '${START}', '2026-03-09T09:00:00Z', null),
      ('ent_06eavhmtg1r01000000000000b', 'window:messages', 'grant', 'messages', 10000, 0, 0, 0, 10000, '2026-03-01', '2026-04-01', null),
      ('ent_06eavhmtg1r01000000000000c', 'window:channels', 'grant', 'channels', 5, 0, 0, 0, 5, '${START}', null, null),
      ('ent_06eavhmtg1r01000000000000d', 'grant:seed:a', 'grant', 'credits', 5, 0, 0, null, null, null, null, '{"kind":"promo","lotId":"lot_a"}'),
      ('ent_06eavhmtg1r01000000000000e', 'grant:payment:b', 'grant', 'credits', 50, 0, 0, null, null, null, null, null),
      ('ent_06eavhmtg1r01000000000000f', 'key:first', 'consume', 'compute', 120, 100, 20, 100, 100, '${START}', '2026-03-09T09:00:00Z', '{"job":"a"}'),
      ('ent_06eavhmtg1r01000000000000g', 'auto:ent_06eavhmtg1r01000000000000g', 'consume', 'messages', 40, 40, 0, 40, 10000, '2026-03-01', '2026-04-01', null),
      ('ent_06eavhmtg1r01000000000000h', 'key:seats', 'consume', 'channels', 2, 2, 0, 2, 5, '${START}', null, null)
    ) e(id, key, operation, feature, units, allowance, credits, used, granted, starts_at, ends_at, properties);
  insert into draws values ('${TENANT}', 'ent_06eavhmtg1r01000000000000f', 'lot_a', 1, 5), ('${TENANT}', 'ent_06eavhmtg1r01000000000000f', 'lot_b', 2, 15);`;
