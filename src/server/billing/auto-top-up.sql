-- Tenants whose top-up is due, across tenants, in pages: who is not due costs nothing. Ids only: the rest is asked as the tenant.
create or replace function top_ups_due(p_now timestamptz, p_after text, p_limit int)
returns table (tenant_id text) language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select a.tenant_id from credit_accounts a
  where a.top_up_due_at is not null and a.top_up_due_at <= p_now and a.tenant_id > p_after
  order by a.tenant_id limit p_limit
$$;
