-- Every breach of the ledger's invariants, over all tenants. No rows: the books balance.
drop function if exists ledger_books();
create or replace function ledger_books(p_now timestamptz) returns table (invariant text, tenant_id text, subject text, detail text)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  with drawn as (
    select e.tenant_id, e.id, e.operation, q.lot_id, q.units from entries e, unnest(e.lot_ids, e.lot_draws) q(lot_id, units)
  ), by_lot as (
    select tenant_id, lot_id, sum(units) as units from drawn group by 1, 2
  ), by_entry as (
    select tenant_id, id, sum(units) as units from drawn group by 1, 2
  ), by_meter as (
    select m.tenant_id, m.feature, m.used, m.beyond, m.over, m.granted, m.kind,
           coalesce(sum(e.allowance_units), 0) as e_used, coalesce(sum(e.beyond_units), 0) as e_beyond, coalesce(sum(e.over_units), 0) as e_over
    from meters m left join entries e on e.tenant_id = m.tenant_id and e.feature = m.feature and e.window_starts_at >= m.carried_from
    group by 1, 2, 3, 4, 5, 6, 7
  )
  select 'lot: granted - draws = remaining', l.tenant_id, l.id, format('granted %s, drawn %s, remaining %s', l.granted, coalesce(d.units, 0), l.remaining)
  from lots l left join by_lot d on d.tenant_id = l.tenant_id and d.lot_id = l.id
  where l.granted - coalesce(d.units, 0) <> l.remaining
  union all
  select 'lot: what is drawn exists', d.tenant_id, d.lot_id, format('drawn %s', d.units)
  from by_lot d where not exists (select from lots l where l.tenant_id = d.tenant_id and l.id = d.lot_id)
  union all
  select 'lot: one grant entry per source', l.tenant_id, l.id, format('source %s', l.source)
  from lots l
  where not exists (select from entries e where e.tenant_id = l.tenant_id and e.idempotency_key = 'grant:' || l.source and e.operation in ('grant', 'brought_forward') and e.units = l.granted)
  union all
  select 'meter: used, beyond and over = entries since it was last opened', m.tenant_id, m.feature,
         format('used %s, entries %s; beyond %s, entries %s; over %s, entries %s', m.used, m.e_used, m.beyond, m.e_beyond, m.over, m.e_over)
  from by_meter m where m.kind <> 'lease' and (m.used <> m.e_used or m.beyond <> m.e_beyond or m.over <> m.e_over)
  union all
  select 'meter: its window was granted by an entry', m.tenant_id, m.feature, format('granted %s', m.granted)
  from meters m
  -- Any of them, not the last: a clock that steps back between two plan changes turns their order round.
  where not exists (select from entries e where e.tenant_id = m.tenant_id and e.feature = m.feature and e.window_starts_at = m.window_starts_at
    and e.operation in ('grant', 'adjust') and e.granted_after is not distinct from m.granted)
  union all
  select 'window: granted once', e.tenant_id, min(e.id), format('%s from %s granted %s times', e.feature, e.window_starts_at, count(*))
  from entries e where e.operation = 'grant' and e.window_starts_at is not null
  group by e.tenant_id, e.feature, e.window_starts_at having count(*) > 1
  union all
  select 'entry: lots drawn = what it says', e.tenant_id, e.id, format('says %s, drawn %s', e.lot_units + e.credits, coalesce(d.units, 0))
  from entries e left join by_entry d on d.tenant_id = e.tenant_id and d.id = e.id
  where e.operation in ('consume', 'hold', 'commit', 'release', 'refund', 'deny', 'brought_forward') and e.lot_units + e.credits <> coalesce(d.units, 0)
  union all
  select 'entry: never past the allowance', e.tenant_id, e.id, format('used %s of %s', e.used_after, e.granted_after)
  from entries e
  where e.operation in ('consume', 'hold', 'commit') and e.allowance_units > 0 and e.used_after > e.granted_after
  union all
  select 'entry: units are covered', e.tenant_id, e.id,
         format('units %s, allowance %s, beyond %s (lots %s, credits %s, over %s)', e.units, e.allowance_units, e.beyond_units, e.lot_units, e.credits, e.over_units)
  from entries e
  where e.operation in ('consume', 'hold') and (e.units <> e.allowance_units + e.beyond_units or e.beyond_units < e.lot_units + e.over_units
    or (e.beyond_units > e.lot_units + e.over_units) <> (e.credits > 0))
  union all
  select 'window: what was left is kept or forfeited, once', f.tenant_id, f.id, format('granted %s, used %s, forfeited %s, kept %s', f.granted_after, f.used_after, f.units, -f.lot_units)
  from entries f
  where f.operation = 'forfeit' and f.granted_after - f.used_after <> f.units - f.lot_units
  union all
  select 'key: one effect', k.tenant_id, k.key, format('entry %s', k.entry_id)
  from idempotency_keys k
  join entries e on e.tenant_id = k.tenant_id and e.id = k.entry_id
  where e.idempotency_key is distinct from k.key
  union all
  select 'key: claimed by its entry', e.tenant_id, e.id, format('key %s', e.idempotency_key)
  from entries e
  where e.idempotency_key like 'key:%' and not exists (select from idempotency_keys k where k.tenant_id = e.tenant_id and k.key = e.idempotency_key and k.entry_id = e.id)
$$;
