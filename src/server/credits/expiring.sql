-- Credits that will expire and of which nobody was told, by tenant and day (UTC): those that people bought or were given. What a
-- plan refills comes and goes by itself, and what lives for days only needs no notice.
create or replace function credits_expiring(p_now timestamptz, p_until timestamptz, p_limit int)
returns table (tenant_id text, fact text, credits bigint, expires_at timestamptz)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select q.* from (
    select l.tenant_id, 'credits.expiring:' || to_char(l.expires_at at time zone 'UTC', 'YYYY-MM-DD') as fact,
           sum(l.remaining)::bigint as credits, min(l.expires_at) as expires_at
    from lots l
    where l.unit = 'credits' and l.closed_at is null and l.remaining > 0 and l.kind not in ('allowance', 'replenish')
      and l.starts_at <= p_now and l.expires_at > p_now and l.expires_at <= p_until
      and l.expires_at - l.starts_at >= interval '14 days'
    group by 1, 2) q
  where not exists (select from outbox o where o.tenant_id = q.tenant_id and o.fact = q.fact)
  order by 1, 2 limit p_limit
$$;
