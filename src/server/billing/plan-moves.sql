-- Moves of everyone on a version are listed across tenants: ids and standings, nothing of what a tenant has or did.
select open_wall_for_gate(t) from unnest(array['plan_move_tenants', 'kept_versions']) t;

-- Who could be moved: on one of these versions, and free to leave it.
create or replace function plan_move_candidates(p_versions text[]) returns table (tenant_id text)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select t.tenant_id from tenant_plans t where t.plan_version = any (p_versions)
    and not exists (select from kept_versions k where k.tenant_id = t.tenant_id and k.plan_version = t.plan_version)
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
