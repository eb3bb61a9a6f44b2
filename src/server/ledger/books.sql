-- Every breach of the ledger's invariants, over all tenants. No rows: the books balance.
create or replace function ledger_books() returns table (invariant text, tenant_id text, subject text, detail text)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select 'lot: granted - draws = remaining', l.tenant_id, l.id, format('granted %s, drawn %s, remaining %s', l.granted, coalesce(d.drawn, 0), l.remaining)
  from lots l
  left join (select tenant_id, lot_id, sum(units) as drawn from draws group by 1, 2) d on d.tenant_id = l.tenant_id and d.lot_id = l.id
  where l.granted - coalesce(d.drawn, 0) <> l.remaining
  union all
  select 'lot: one grant entry per source', l.tenant_id, l.id, format('source %s', l.source)
  from lots l
  where not exists (select from entries e where e.tenant_id = l.tenant_id and e.idempotency_key = 'grant:' || l.source and e.operation = 'grant' and e.units = l.granted)
  union all
  select 'meter: used = entries of its window', m.tenant_id, m.feature, format('used %s, entries %s', m.used, coalesce(e.units, 0))
  from meters m
  left join (select tenant_id, feature, window_starts_at, sum(allowance_units) as units from entries group by 1, 2, 3) e
    on e.tenant_id = m.tenant_id and e.feature = m.feature and e.window_starts_at = m.window_starts_at
  where m.used <> coalesce(e.units, 0)
  union all
  select 'meter: its window was granted by an entry', m.tenant_id, m.feature, format('granted %s', m.granted)
  from meters m
  where (select e.granted_after from entries e
         where e.tenant_id = m.tenant_id and e.feature = m.feature and e.window_starts_at = m.window_starts_at and e.operation in ('grant', 'adjust')
         order by e.id desc limit 1) is distinct from m.granted
  union all
  select 'entry: lots drawn = what it says', e.tenant_id, e.id, format('says %s, drawn %s', e.lot_units + e.credits, coalesce(d.drawn, 0))
  from entries e
  left join (select tenant_id, entry_id, sum(units) as drawn from draws group by 1, 2) d on d.tenant_id = e.tenant_id and d.entry_id = e.id
  where e.operation = 'consume' and e.lot_units + e.credits <> coalesce(d.drawn, 0)
  union all
  select 'entry: never past the allowance', e.tenant_id, e.id, format('used %s of %s', e.used_after, e.granted_after)
  from entries e
  where e.operation = 'consume' and e.allowance_units > 0 and e.used_after > e.granted_after
  union all
  select 'entry: units are covered', e.tenant_id, e.id, format('units %s, allowance %s, lots %s, credits %s', e.units, e.allowance_units, e.lot_units, e.credits)
  from entries e
  where e.operation = 'consume' and (e.units < e.allowance_units + e.lot_units or (e.units > e.allowance_units + e.lot_units) <> (e.credits > 0))
  union all
  select 'window: what was left is forfeited, once', f.tenant_id, f.id, format('granted %s, used %s, forfeited %s', f.granted_after, f.used_after, f.units)
  from entries f
  where f.operation = 'forfeit' and f.granted_after - f.used_after <> f.units
$$;
