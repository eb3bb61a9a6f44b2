-- Archiving: whole months leave `entries` for the schema `archive`, and what live rows need of them stays. Only the owner
-- calls what is here, but for ledger_archived_before. See docs/decisions/0011-partitioned-entries.md.

-- Entries with an id below this may have been archived: what looks for one must do without it. '' when none were.
create or replace function ledger_archived_before() returns text language plpgsql stable as $$
begin
  return coalesce((
    select ledger_entry_bound(to_date(max(substr(c.relname, 16)), 'YYYY_MM')::timestamp at time zone 'UTC')
    from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'public.entries'::regclass and c.relname ~ '^entries_before_\d{4}_\d{2}$'), '');
end $$;

-- What still works with entries from before p_before, and so must be over first. No rows: they may go.
create or replace function ledger_archive_obstacles(p_now timestamptz, p_before timestamptz)
returns table (obstacle text, tenant_id text, subject text) language plpgsql stable as $$
begin
  perform ledger_demand_all_rows();
  return query
    select 'the month is not over yet', null::text, to_char(p_before at time zone 'UTC', 'YYYY-MM') where p_before > ledger_month(p_now, 0)
    union all
    select case when p_now >= m.window_ends_at then 'a window is over but not closed yet: the cron job "reset" does it'
                else 'a window is open since ' || to_char(m.carried_from at time zone 'UTC', 'YYYY-MM-DD') end, m.tenant_id, m.feature
    from meters m where m.window_ends_at is not null and m.carried_from < p_before
    union all
    select 'a hold is open: commit or release it, or have the cron job that sweeps holds do it', h.tenant_id, h.id
    from holds h where h.status = 'open' and h.id < ledger_entry_bound(p_before);
end $$;

-- The partitions that hold nothing but entries from before p_before, oldest first.
create or replace function ledger_old_partitions(p_before timestamptz) returns text[] language sql stable as $$
  select coalesce(array_agg(c.relname::text order by right(c.relname, 7), c.relname desc), '{}')
  from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid
  where i.inhparent = 'public.entries'::regclass
    and (c.relname ~ '^entries_\d{4}_\d{2}$' and to_date(right(c.relname, 7), 'YYYY_MM') < (p_before at time zone 'UTC')::date
      or c.relname ~ '^entries_before_\d{4}_\d{2}$' and to_date(right(c.relname, 7), 'YYYY_MM') <= (p_before at time zone 'UTC')::date)
$$;

-- Archives everything from before p_before, the beginning of a month; the caller has seen that there is no obstacle. Returns
-- the tables that went to the schema `archive`. Sums are made while calls go on: nobody writes to a month that is over. Only
-- to look for chains that reach into it, and to part with it, does the gate wait.
create or replace function ledger_archive(p_now timestamptz, p_before timestamptz) returns text[] language plpgsql as $$
declare
  v_bound constant text := ledger_entry_bound(p_before);
  v_kept constant text := 'entries_before_' || to_char(p_before at time zone 'UTC', 'YYYY_MM');
  v_unfiled constant timestamptz[] := ledger_unfiled_months(p_before);
  v_old text[];
begin
  perform ledger_demand_all_rows();
  if v_unfiled <> '{}' then perform ledger_file_default(v_unfiled); end if;
  v_old := ledger_old_partitions(p_before);
  if array_remove(v_old, v_kept) = '{}' then return '{}'; end if;
  if v_kept = any (v_old) then raise exception 'months from before % came back', v_kept; end if;

  execute (select 'lock table ' || string_agg(format('public.%I', name), ', ') || ' in share mode' from unnest(v_old) name);
  perform ledger_make_partition(v_kept);
  perform ledger_keep_grants(v_kept, v_bound);
  perform ledger_sum_old(v_kept, v_bound);

  -- Whoever reads for longer than this makes archiving fail, not everybody else wait.
  perform set_config('lock_timeout', '10s', true);
  lock table entries in access exclusive mode;
  perform ledger_keep_chains(v_kept, v_bound);
  perform ledger_bring_forward(p_now);
  perform ledger_detach(v_old);
  execute format('alter table public.entries attach partition public.%I for values from (%L) to (%L)', v_kept, ledger_first_bound(), v_bound);
  return v_old;
end $$;

-- A lot's grant proves its source, what was taken back, repaid and written off its other figures, the last grant or adjustment of a meter's window what it was given: both stay.
create or replace function ledger_keep_grants(p_kept text, p_bound text) returns void language plpgsql as $$
begin
  execute format('insert into public.%I
    select * from entries e where e.id >= ledger_first_bound() and e.id < $1 and (e.idempotency_key like ''grant:%%'' or e.operation in (''revoke'', ''repay'', ''expire''))
    union all
    select g.* from meters m, lateral (
      select * from entries e
      where e.tenant_id = m.tenant_id and e.feature = m.feature and e.window_starts_at = m.window_starts_at and e.operation in (''grant'', ''adjust'')
      order by e.id desc limit 1) g
    where g.id < $1', p_kept) using p_bound;
end $$;

-- What the entries that go drew from lots, and from windows that are still open (levels have no other), by lot and by meter.
create or replace function ledger_sum_old(p_kept text, p_bound text) returns void language plpgsql as $$
begin
  create temporary table old_draws (tenant_id text collate "C", feature text collate "C", lot_id text collate "C", units bigint) on commit drop;
  create temporary table old_windows (tenant_id text collate "C", feature text collate "C", allowance bigint, beyond bigint, over bigint) on commit drop;
  perform ledger_add_to_sums(1, format('select * from entries where id >= %L and id < %L', ledger_first_bound(), p_bound));
  perform ledger_add_to_sums(-1, format('select * from public.%I', p_kept));
end $$;

create or replace function ledger_add_to_sums(p_sign int, p_entries text) returns void language plpgsql as $$
begin
  execute format('insert into old_draws
    select e.tenant_id, e.feature, q.lot_id, $1 * sum(q.units) from (%s) e, unnest(e.lot_ids, e.lot_draws) q(lot_id, units) group by 1, 2, 3', p_entries)
    using p_sign;
  execute format('insert into old_windows
    select e.tenant_id, e.feature, $1 * sum(e.allowance_units), $1 * sum(e.beyond_units), $1 * sum(e.over_units)
    from (%s) e join meters m on m.tenant_id = e.tenant_id and m.feature = e.feature and e.window_starts_at >= m.carried_from group by 1, 2', p_entries)
    using p_sign;
end $$;

-- A consume or hold of which a live entry gives back, settles or takes more stays, with all that belongs to it.
create or replace function ledger_keep_chains(p_kept text, p_bound text) returns void language plpgsql as $$
begin
  execute format('create temporary table old_chains on commit drop as
    with recursive chain(tenant_id, id) as (
      select tenant_id, parent_id from entries where id >= %1$L and parent_id < %1$L
      union
      select c.tenant_id, q.id from chain c, lateral (
        select e.parent_id from entries e where e.tenant_id = c.tenant_id and e.id = c.id and e.parent_id is not null
        union all
        select e.id from entries e where e.tenant_id = c.tenant_id and e.parent_id = c.id and e.id < %1$L) q(id)
    )
    select e.* from chain c join entries e on e.tenant_id = c.tenant_id and e.id = c.id
    where not exists (select from public.%2$I k where k.tenant_id = e.tenant_id and k.id = e.id)', p_bound, p_kept);
  execute format('insert into public.%I select * from old_chains', p_kept);
  perform ledger_add_to_sums(-1, 'select * from old_chains');
end $$;

-- One entry for each meter whose old entries still count: it drew all that they drew, less what they gave back.
create or replace function ledger_bring_forward(p_now timestamptz) returns void language plpgsql as $$
begin
  insert into entries (tenant_id, id, operation, feature, units, allowance_units, lot_units, credits, beyond_units, over_units, lot_ids, lot_draws,
                       window_starts_at, plan_version, reason, actor, created_at)
    with draws as (
      select s.tenant_id, s.feature, array_agg(s.lot_id order by s.lot_id) as lot_ids, array_agg(s.units order by s.lot_id) as lot_draws,
             sum(s.units) filter (where l.unit <> 'credits') as lot_units, sum(s.units) filter (where l.unit = 'credits') as credits
      from (select tenant_id, feature, lot_id, sum(units)::bigint as units from old_draws group by 1, 2, 3 having sum(units) <> 0) s
      join lots l on l.tenant_id = s.tenant_id and l.id = s.lot_id
      group by 1, 2
    ), windows as (
      select tenant_id, feature, sum(allowance) as allowance, sum(beyond) as beyond, sum(over) as over from old_windows
      group by 1, 2 having sum(allowance) <> 0 or sum(beyond) <> 0 or sum(over) <> 0
    )
    select tenant_id, 'ent_' || ledger_time_code(p_now) || 'v' || left(md5(gen_random_uuid()::text), 15), 'brought_forward', feature, 0,
           coalesce(w.allowance, 0), coalesce(d.lot_units, 0), coalesce(d.credits, 0), coalesce(w.beyond, 0), coalesce(w.over, 0), d.lot_ids, d.lot_draws,
           case when w.tenant_id is not null then m.window_starts_at end, m.plan_version, 'archived', 'system:archive', p_now
    from draws d full join windows w using (tenant_id, feature) left join meters m using (tenant_id, feature);
end $$;

-- Out of `entries` and out of everybody's reach but the owner's, who may read, dump and drop them.
create or replace function ledger_detach(p_old text[]) returns void language plpgsql as $$
declare
  v_name text;
begin
  execute 'create schema if not exists archive';
  foreach v_name in array p_old loop
    execute format('alter table public.entries detach partition public.%I', v_name);
    execute format('revoke all on public.%I from tollgate_app, tollgate_gate', v_name);
    execute format('alter table public.%I no force row level security, disable row level security', v_name);
    execute format('alter table public.%I set schema archive', v_name);
  end loop;
end $$;
