-- Moves of everyone on a version are chosen and listed across tenants: ids and standings, nothing of what a tenant has or did.
select open_wall_for_gate(t) from unnest(array['plan_move_tenants', 'kept_versions']) t;

-- Chooses whom a move takes along: of those on one of these versions who are free to leave it and in no other move, by name, or
-- by lot until so many of a hundred are in it. The lot is the same at every stage. Says how many were chosen now.
create or replace function plan_move_choose(
  p_move text, p_to text, p_versions text[], p_named text[], p_share int, p_stage int, p_not_before timestamptz, p_now timestamptz
) returns bigint language sql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
  with free as materialized (
    select t.tenant_id, t.plan_version from tenant_plans t
    where t.plan_version = any (p_versions) and (p_named is null or t.tenant_id = any (p_named))
      and not exists (select from kept_versions k where k.tenant_id = t.tenant_id and k.plan_version = t.plan_version)
      and not exists (select from plan_move_tenants m where m.tenant_id = t.tenant_id and (m.move_id = p_move or m.due_at is not null))
  ), known as (select count(*) as n from plan_move_tenants m where m.move_id = p_move
  ), chosen as (
    insert into plan_move_tenants (tenant_id, move_id, from_version, to_version, stage, status, not_before, due_at, created_at, updated_at)
    select f.tenant_id, p_move, f.plan_version, p_to, p_stage, 'chosen', p_not_before, p_now, p_now, p_now from free f
    order by md5(p_move || f.tenant_id), f.tenant_id
    limit case when p_named is null
      then (select greatest(0, ceil(((select count(*) from free) + k.n) * p_share / 100.0) - k.n)::bigint from known k) end
    returning 1
  ) select count(*) from chosen
$$;

-- Cron's next tenants, those first who have waited longest.
create or replace function plan_moves_due(p_now timestamptz, p_limit int) returns table (tenant_id text, move_id text)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select m.tenant_id, m.move_id from plan_move_tenants m where m.due_at <= p_now order by m.due_at, m.tenant_id limit p_limit
$$;

-- Everyone who takes part in a move is looked at again.
create or replace function plan_move_wake(p_move text, p_now timestamptz) returns void
language sql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
  update plan_move_tenants set due_at = p_now where move_id = p_move and status not in ('kept', 'left', 'undone')
$$;

create or replace function plan_move_is_open(p_move text) returns boolean
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select exists (select from plan_move_tenants m where m.move_id = p_move and m.due_at is not null)
$$;

-- How far a move is, and with whom.
create or replace function plan_move_counts(p_move text) returns table (status text, tenants bigint)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select m.status, count(*) from plan_move_tenants m where m.move_id = p_move group by m.status order by m.status
$$;

create or replace function plan_move_page(p_move text, p_after text, p_limit int)
returns table (tenant_id text, from_version text, status text, effective_at timestamptz, why text)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select m.tenant_id, m.from_version, m.status, m.effective_at, m.why from plan_move_tenants m
  where m.move_id = p_move and m.tenant_id > p_after order by m.tenant_id limit p_limit
$$;
