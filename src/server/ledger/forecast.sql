-- Cron's look ahead: meters that use their allowance up faster than time passes, and whose tenant was not told so in this
-- window. Across tenants, in pages. Whether the tenant's own pace agrees is decided tenant by tenant (quota/forecast.ts).
create or replace function forecast_due(p_now timestamptz, p_after_tenant text, p_after_feature text, p_limit int)
returns table (tenant_id text, feature text) language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  return query
    select b.tenant_id, b.feature from meters b
    where (b.tenant_id, b.feature) > (p_after_tenant, p_after_feature) and p_now < b.window_ends_at and b.used > 0 and b.used < b.granted
      and b.used * date_part('epoch', b.window_ends_at - b.window_starts_at) > b.granted * date_part('epoch', p_now - b.window_starts_at)
      and not exists (select from outbox o
                      where o.tenant_id = b.tenant_id and o.fact = 'quota.forecast:' || gate_window_key(b.feature, b.window_starts_at))
    order by b.tenant_id, b.feature limit p_limit;
end $$;
