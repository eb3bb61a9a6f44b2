-- A sold plan version never changes. Overrides and plans of all tenants are read by the books.
select make_append_only('plan_versions');
select open_wall_for_gate(t) from unnest(array['tenant_plans', 'overrides']) t;

-- Cron's housekeeping: tenants whose plan is over, across tenants, in pages.
create or replace function plans_due(p_now timestamptz, p_after text, p_limit int) returns table (tenant_id text)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select t.tenant_id from tenant_plans t where t.tenant_id > p_after and t.ends_at <= p_now order by t.tenant_id limit p_limit
$$;

-- Who is on another version of a plan than this one, in pages: for those who work on them one by one. Ids only.
create or replace function tenants_on_plan(p_plan text, p_except text, p_after text, p_limit int) returns table (tenant_id text)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select t.tenant_id from tenant_plans t
  where split_part(t.plan_version, '@', 1) = p_plan and t.plan_version <> p_except and t.tenant_id > p_after order by t.tenant_id limit p_limit
$$;
