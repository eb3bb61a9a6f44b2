-- A sold plan version never changes. Overrides and plans of all tenants are read by the books.
select make_append_only('plan_versions');
select open_wall_for_gate(t) from unnest(array['tenant_plans', 'overrides']) t;

-- Cron's housekeeping: tenants whose plan is over, across tenants, in pages.
create or replace function plans_due(p_now timestamptz, p_after text, p_limit int) returns table (tenant_id text)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select t.tenant_id from tenant_plans t where t.tenant_id > p_after and t.ends_at <= p_now order by t.tenant_id limit p_limit
$$;
