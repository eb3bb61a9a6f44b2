-- Cron's housekeeping: tenants that owe credits, or are blocked since they did, in pages. A unit that comes back to the lot that
-- owes may pay a debt without anybody looking whether the tenant may go on.
create or replace function credit_debtors(p_now timestamptz, p_after text, p_limit int) returns table (tenant_id text)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select q.tenant_id from (
    select d.tenant_id from debts d where d.tenant_id > p_after and d.unit = 'credits' and d.outstanding > 0 and d.created_at <= p_now
    union
    select b.tenant_id from tenant_blocks b where b.tenant_id > p_after and b.reason = 'debt') q
  order by 1 limit p_limit
$$;
