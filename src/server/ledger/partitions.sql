-- A partition of entries for each month: ids sort by time, so a month is a range of ids. The app may call nothing of this:
-- no function here is SECURITY DEFINER. See docs/decisions/0011-partitioned-entries.md.

-- How an id of that instant begins, after its prefix: 48 bits of milliseconds in base32, as src/lib/ids.ts writes them.
create or replace function ledger_time_code(p_at timestamptz) returns text language sql immutable strict parallel safe as $$
  select string_agg(substr('0123456789abcdefghjkmnpqrstvwxyz', 1 + ((ms << 2) >> (50 - 5 * n) & 31)::int, 1), '' order by n)
  from (select (extract(epoch from p_at) * 1000)::bigint as ms) t, generate_series(1, 10) n
$$;

-- The instant that an id begins with.
create or replace function ledger_time_of(p_id text) returns timestamptz language sql immutable strict parallel safe as $$
  select to_timestamp((sum((strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(p_id, 4 + n, 1)) - 1)::bigint << (50 - 5 * n))::bigint >> 2) / 1000.0)
  from generate_series(1, 10) n
$$;

-- The beginning, in UTC, of the month so many months after the one of that instant.
create or replace function ledger_month(p_at timestamptz, p_plus int) returns timestamptz language sql immutable strict parallel safe as $$
  select (date_trunc('month', p_at at time zone 'UTC') + make_interval(months => p_plus)) at time zone 'UTC'
$$;

-- Where the ids of that instant begin.
create or replace function ledger_entry_bound(p_at timestamptz) returns text language sql immutable strict parallel safe as $$
  select 'ent_' || ledger_time_code(p_at)
$$;

-- Where the first month could begin: ids below were not made by a clock, and stay in the default partition.
create or replace function ledger_first_bound() returns text language sql immutable parallel safe as $$
  select ledger_entry_bound('2020-01-01Z')
$$;

-- The walls of a partition, in case somebody names it instead of its parent. The append_only trigger comes by itself.
create or replace function ledger_wall_partition(p_table text) returns void language plpgsql as $$
begin
  perform build_tenant_wall(p_table);
  perform open_wall_for_gate(p_table);
  execute format('revoke all on public.%I from public, tollgate_app', p_table);
  execute format('grant select, insert on public.%I to tollgate_app', p_table);
end $$;

-- Made aside and attached when it is ready: to create it in place would lock out whoever writes entries meanwhile.
create or replace function ledger_make_partition(p_name text) returns void language plpgsql as $$
begin
  execute format('create table public.%I (like public.entries including defaults including constraints including indexes)', p_name);
  perform ledger_wall_partition(p_name);
end $$;

create or replace function ledger_add_month(p_month timestamptz) returns void language plpgsql as $$
declare
  v_name constant text := 'entries_' || to_char(p_month at time zone 'UTC', 'YYYY_MM');
begin
  if to_regclass('public.' || v_name) is not null or ledger_entry_bound(p_month) < ledger_archived_before() then return; end if;
  perform ledger_make_partition(v_name);
  execute format('alter table public.entries attach partition public.%I for values from (%L) to (%L)',
    v_name, ledger_entry_bound(p_month), ledger_entry_bound(ledger_month(p_month, 1)));
end $$;

-- Forced walls hide rows from an owner that is no superuser; what is moved or summed must be all of them.
create or replace function ledger_demand_all_rows() returns void language plpgsql as $$
begin
  if not pg_has_role('tollgate_gate', 'usage') and not (select rolbypassrls from pg_roles where rolname = current_user) then
    raise exception 'the owner of the tables must have the privileges of tollgate_gate: grant tollgate_gate to %', current_user
      using errcode = 'insufficient_privilege';
  end if;
end $$;

-- The months before p_before of which the default partition holds rows.
create or replace function ledger_unfiled_months(p_before timestamptz) returns timestamptz[] language plpgsql as $$
declare
  v_months timestamptz[] := '{}';
  v_at text := ledger_first_bound();
  v_month timestamptz;
begin
  loop
    select ledger_month(ledger_time_of(min(id)), 0) into v_month from entries_default where id >= v_at and id < ledger_entry_bound(p_before);
    exit when v_month is null;
    v_months := v_months || v_month; v_at := ledger_entry_bound(ledger_month(v_month, 1));
  end loop;
  return v_months;
end $$;

-- Moves the rows of the default partition to partitions of their months. Entries wait meanwhile.
create or replace function ledger_file_default(p_months timestamptz[]) returns void language plpgsql as $$
declare
  v_month timestamptz;
begin
  perform ledger_demand_all_rows();
  lock table entries in access exclusive mode;
  create temporary table entries_unfiled on commit drop as select * from entries_default;
  alter table entries detach partition entries_default;
  drop table entries_default;
  create table entries_default partition of entries default;
  perform ledger_wall_partition('entries_default');
  foreach v_month in array p_months loop
    perform ledger_add_month(v_month);
  end loop;
  insert into entries select * from entries_unfiled;
  drop table entries_unfiled;
end $$;

-- So many months from p_from on get their partitions. Rows that lie in the default partition, from before there were any or
-- because nobody migrated for a year, are filed if they are few; else their months have none until they are archived.
create or replace function ledger_add_partitions(p_from timestamptz, p_months int, p_most_moved int) returns void language plpgsql as $$
declare
  v_unfiled constant timestamptz[] := ledger_unfiled_months(ledger_month(p_from, p_months));
  v_month timestamptz;
begin
  if v_unfiled <> '{}' and (select count(*) from (select from entries_default limit p_most_moved + 1) few) <= p_most_moved then
    perform ledger_file_default(v_unfiled);
  end if;
  for n in 0 .. p_months - 1 loop
    v_month := ledger_month(p_from, n);
    if v_month <> all (v_unfiled) then perform ledger_add_month(v_month); end if;
  end loop;
end $$;

select ledger_wall_partition(c.relname::text)
from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'entries'::regclass;
select ledger_add_partitions(now(), 13, 50000);
