-- Every breach of what lots and debts promise, over all tenants. Archiving keeps the entries that are asked about here.
create or replace function lots_books(p_now timestamptz) returns table (invariant text, tenant_id text, subject text, detail text)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  with moved as (
    select e.tenant_id, q.lot_id, coalesce(sum(q.n) filter (where e.operation = 'revoke'), 0) as taken,
           coalesce(sum(q.n) filter (where e.operation = 'expire'), 0) as off, coalesce(sum(q.n) filter (where e.operation = 'repay'), 0) as repaid
    from entries e, unnest(e.lot_ids, e.lot_draws) q(lot_id, n) where e.operation in ('revoke', 'expire', 'repay') group by 1, 2
  ), owed as (
    select e.tenant_id, e.properties ->> 'lotId' as lot_id, sum(e.uncharged_units) as units from entries e where e.operation = 'revoke' group by 1, 2
  ), paid as (
    select e.tenant_id, e.parent_id as debt_id, sum(e.credits + e.lot_units) as units from entries e where e.operation = 'repay' group by 1, 2
  )
  select 'lot: taken back, written off and repaid = its entries', l.tenant_id, l.id,
         format('taken back %s, entries %s; written off %s, entries %s; repaid %s, entries %s', l.taken_back, coalesce(m.taken, 0), l.written_off, coalesce(m.off, 0), l.repaid, coalesce(m.repaid, 0))
  from lots l left join moved m on m.tenant_id = l.tenant_id and m.lot_id = l.id
  where (l.taken_back, l.written_off, l.repaid) is distinct from (coalesce(m.taken, 0)::bigint, coalesce(m.off, 0)::bigint, coalesce(m.repaid, 0)::bigint)
  union all
  select 'lot: what was not used is of what it granted', l.tenant_id, l.id,
         format('granted %s, remaining %s, taken back %s, written off %s, repaid %s', l.granted, l.remaining, l.taken_back, l.written_off, l.repaid)
  from lots l
  where least(l.taken_back, l.written_off, l.repaid) < 0 or l.granted - l.remaining - l.taken_back - l.written_off - l.repaid < 0
  union all
  select 'lot: written off only when it expired', e.tenant_id, l.id, format('written off at %s, expires at %s', e.created_at, l.expires_at)
  from entries e, unnest(e.lot_ids) q(lot_id) join lots l on l.id = q.lot_id
  where e.operation = 'expire' and l.tenant_id = e.tenant_id and (l.expires_at is null or e.created_at < l.expires_at)
  union all
  select 'entry: lots moved = what it says', e.tenant_id, e.id, format('%s says %s', e.operation, e.lot_units + e.credits)
  from entries e
  where e.operation in ('revoke', 'expire', 'repay') and e.lot_units + e.credits <> coalesce((select sum(n) from unnest(e.lot_draws) n), 0)
  union all
  select 'debt: its amount = what was taken back and is owed', d.tenant_id, d.id, format('amount %s, entries %s', d.amount, coalesce(o.units, 0))
  from debts d left join owed o on o.tenant_id = d.tenant_id and o.lot_id = d.lot_id
  where d.amount <> coalesce(o.units, 0)
  union all
  select 'debt: amount - repayments = outstanding', d.tenant_id, d.id, format('amount %s, repaid %s, outstanding %s', d.amount, coalesce(p.units, 0), d.outstanding)
  from debts d left join paid p on p.tenant_id = d.tenant_id and p.debt_id = d.id
  where d.amount - coalesce(p.units, 0) <> d.outstanding
  union all
  select 'debt: not more than was used of its lot', d.tenant_id, d.id,
         format('amount %s, granted %s, remaining %s, taken back %s, written off %s', d.amount, l.granted, l.remaining, l.taken_back, l.written_off)
  from debts d join lots l on l.tenant_id = d.tenant_id and l.id = d.lot_id
  where d.amount > l.granted - l.remaining - l.taken_back - l.written_off
  union all
  select 'debt: its lot has nothing to spend', d.tenant_id, d.id, format('amount %s, lot has %s', d.amount, l.remaining)
  from debts d join lots l on l.tenant_id = d.tenant_id and l.id = d.lot_id where d.amount > 0 and l.remaining > 0
$$;
