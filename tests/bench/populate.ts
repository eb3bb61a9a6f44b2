import type postgres from "postgres";

/** Never reached, so that only the paths that are named are measured. */
const PLENTY = 1_000_000_000_000;
const LOT = 1_000_000;
const HISTORY_MONTHS = 12;

const TENANT = "'ten_' || lpad(g::text, 26, '0')";
/** Ids of the entries made by one statement: of its instant, and numbered. */
const ENTRY_ID = "'ent_' || ledger_time_code(now()) || lpad(to_hex(row_number() over ()), 16, '0')";

/** Tenants with a meter that never runs out, and with the entry that granted it: the books balance. */
export async function addMeters(owner: postgres.Sql, tenants: number): Promise<void> {
  await addTenants(owner, 0, tenants);
  await addMeter(owner, { feature: "messages", granted: PLENTY, overflow: "deny", from: 0, to: tenants });
}

/**
 * A meter without an allowance, paid for with credits. The first `tenants` have one lot that is refilled, as many
 * more have three purchases: one nearly spent, two full.
 */
export async function addLots(owner: postgres.Sql, tenants: number): Promise<void> {
  await addTenants(owner, tenants, 2 * tenants);
  await addMeter(owner, { feature: "compute", granted: 0, overflow: "credits", from: 0, to: 2 * tenants });
  await addLot(owner, { kind: "replenish", priority: 10, amount: LOT, number: 0, from: 0, to: tenants });
  const purchase = { kind: "purchase", priority: 60, from: tenants, to: 2 * tenants };
  for (const [number, amount] of [10, LOT, LOT].entries())
    await addLot(owner, { ...purchase, amount, number });
}

/** What the raw statement works on: a balance and a log, and nothing else. */
export async function addRawTables(owner: postgres.Sql): Promise<void> {
  await owner.unsafe(`
    create table bench_balance (tenant_id text primary key, used bigint not null, allowance bigint not null) with (fillfactor = 75);
    create table bench_entries (created_at timestamptz not null default clock_timestamp(), tenant_id text not null, units bigint not null, used bigint not null);
    insert into bench_balance select tenant_id, 0, ${PLENTY} from meters where feature = 'messages';
    grant select, insert, update on bench_balance, bench_entries to tollgate_app;`);
}

/**
 * Draws of a year and of the current month so far, in the order of time, tenant after tenant at random: each month in
 * a partition of its own, with indexes grown row by row as they grow in use.
 */
export async function addHistory(owner: postgres.Sql, tenants: number, entries: number): Promise<void> {
  await owner`select ledger_add_partitions(ledger_month(now(), ${-HISTORY_MONTHS}), ${HISTORY_MONTHS}, 0)`;
  const perMonth = Math.round(entries / (HISTORY_MONTHS + 1));
  for (let month = HISTORY_MONTHS; month >= 0; month -= 1) {
    await owner`
      with span as (
        select ledger_month(now(), ${-month}) as starts_at, least(ledger_month(now(), ${1 - month}), now()) as ends_at
      ), slot as (
        select n, at, ledger_time_code(at) as code from span, generate_series(0, 499) n,
          lateral (select starts_at + n * (ends_at - starts_at) / 500 as at) t
      )
      insert into entries (tenant_id, id, operation, feature, units, allowance_units, used_after, granted_after,
                           window_starts_at, window_ends_at, plan_version, actor, created_at)
      select 'ten_' || lpad(floor(random() * ${tenants})::bigint::text, 26, '0'), 'ent_' || code || lpad(to_hex(i), 16, '0'),
             'consume', 'api_calls', 1, 1, i, ${PLENTY}::bigint, starts_at, starts_at + interval '1 month', 'free@1', 'system:bench', at
      from slot, span, generate_series(1, ${Math.ceil(perMonth / 500)}) i
      order by n, i`;
  }
}

async function addTenants(owner: postgres.Sql, from: number, to: number): Promise<void> {
  await owner`insert into tenants (tenant_id, slug, name, time_zone, created_at)
    select ${owner.unsafe(TENANT)}, 'bench-' || g, 'Bench', 'UTC', now() from generate_series(${from}::int, ${to - 1}::int) g`;
}

async function addMeter(
  owner: postgres.Sql,
  meter: { feature: string; granted: number; overflow: string; from: number; to: number },
): Promise<void> {
  const { feature, granted, overflow, from, to } = meter;
  const window = owner`now() - interval '1 day', now() + interval '27 days'`;
  const serial = owner`generate_series(${from}::int, ${to - 1}::int) g`;
  await owner`insert into meters (tenant_id, feature, kind, plan_version, allowance, plan_allowance, granted, window_unit, time_zone,
                                  window_starts_at, window_ends_at, carried_from, overflow)
    select ${owner.unsafe(TENANT)}, ${feature}, 'meter', 'free@1', ${granted}::bigint, ${granted}::bigint, ${granted}::bigint, 'month', 'UTC',
           ${window}, now() - interval '1 day', ${overflow} from ${serial}`;
  await owner`insert into entries (tenant_id, id, operation, feature, units, used_after, granted_after, window_starts_at, window_ends_at,
                                   plan_version, actor, created_at)
    select m.tenant_id, ${owner.unsafe(ENTRY_ID)}, 'grant', m.feature, m.granted, 0, m.granted, m.window_starts_at,
           m.window_ends_at, m.plan_version, 'system:bench', now()
    from meters m where m.feature = ${feature}`;
}

async function addLot(
  owner: postgres.Sql,
  lot: { kind: string; priority: number; amount: number; number: number; from: number; to: number },
): Promise<void> {
  const { kind, priority, amount, number, from, to } = lot;
  const source = `bench:${kind}:${number}`;
  const id = owner.unsafe(`'lot_' || lpad(g::text, 25, '0') || '${number}'`);
  await owner`insert into lots (tenant_id, id, unit, kind, granted, remaining, starts_at, priority, source, created_at)
    select ${owner.unsafe(TENANT)}, ${id}, 'credits', ${kind}, ${amount}::bigint, ${amount}::bigint, now() - interval '1 day',
           ${priority}::smallint, ${source}, now()
    from generate_series(${from}::int, ${to - 1}::int) g`;
  await owner`insert into entries (tenant_id, id, idempotency_key, operation, feature, units, actor, created_at)
    select tenant_id, ${owner.unsafe(ENTRY_ID)}, 'grant:' || source, 'grant', unit,
           granted, 'system:bench', now()
    from lots where source = ${source}`;
}
