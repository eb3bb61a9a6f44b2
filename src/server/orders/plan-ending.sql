select open_wall_for_gate('subscriptions');

-- Tenants whose plan may end by then, paid ahead or cancelled, across tenants, in pages. Ids only: the rest is asked as the tenant.
create or replace function plans_ending(p_now timestamptz, p_until timestamptz, p_after text, p_limit int) returns table (tenant_id text)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select e.tenant_id from (
    select t.tenant_id from tenant_plans t
    where t.source = 'prepaid' and t.ends_at > p_now and t.ends_at <= p_until and t.tenant_id > p_after
    union
    select s.tenant_id from subscriptions s
    where s.status = 'active' and s.cancel_at > p_now and s.cancel_at <= p_until and s.tenant_id > p_after) e
  order by e.tenant_id limit p_limit
$$;
