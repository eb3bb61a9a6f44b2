-- Every breach of what refills promise, over all tenants.
create or replace function credits_books(p_now timestamptz) returns table (invariant text, tenant_id text, subject text, detail text)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select 'refill: a period is given once', a.tenant_id, b.source, format('begins at %s, before %s has ended', b.starts_at, a.source)
  from lots a join lots b on b.tenant_id = a.tenant_id and b.id <> a.id and b.unit = a.unit and b.source like 'refill:%'
    and (b.starts_at, b.id) > (a.starts_at, a.id) and b.starts_at < a.expires_at
  where a.source like 'refill:%'
  union all
  select 'refill: its lot is its period''s', r.tenant_id, r.lot_id, format('period from %s to %s, lot from %s to %s', r.period_starts_at, r.period_ends_at, l.starts_at, l.expires_at)
  from replenishments r left join lots l on l.tenant_id = r.tenant_id and l.id = r.lot_id
  where r.lot_id is not null and (l.kind, l.starts_at, l.expires_at) is distinct from ('replenish', r.period_starts_at, r.period_ends_at)
  union all
  select 'refill: meters that spend credits know when it is due', m.tenant_id, m.feature, format('meter %s, refill %s', m.refill_at, r.period_ends_at)
  from meters m left join replenishments r on r.tenant_id = m.tenant_id and r.unit = 'credits' and r.units is not null
  -- Sooner is fine: whoever looks then finds that it was given, and when the next is due.
  where case when m.overflow = 'credits' then coalesce(m.refill_at, 'infinity') > coalesce(r.period_ends_at, 'infinity') else m.refill_at is not null end
$$;
