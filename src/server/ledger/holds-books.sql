-- Every breach of what holds and chains promise, over all tenants. A chain is a consume or hold with what settled or refunded
-- it. Chains are archived whole, or stay whole; a late commit of an archived hold has no root any more.
create or replace function holds_books(p_now timestamptz) returns table (invariant text, tenant_id text, subject text, detail text)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  with linked as (
    select e.*, coalesce(e.parent_id, e.id) as root from entries e where e.operation in ('consume', 'hold', 'commit', 'release', 'refund')
  ), by_chain as (
    select l.tenant_id, l.root, sum(l.allowance_units) as allowance, sum(l.beyond_units) as beyond, sum(l.over_units) as over, sum(l.lot_units) as lots, sum(l.credits) as credits,
           bool_or(l.id = l.root) as whole, count(*) filter (where l.operation = 'commit') as commits,
           coalesce(sum(l.units) filter (where l.operation = 'refund'), 0) as refunded,
           sum(case l.operation when 'consume' then l.units when 'commit' then l.units - l.uncharged_units else 0 end) as charged
    from linked l where l.parent_id is not null or l.operation <> 'release'
    group by 1, 2
  ), by_lot as (
    select l.tenant_id, l.root, q.lot_id, sum(q.n) as net from linked l, unnest(l.lot_ids, l.lot_draws) q(lot_id, n) group by 1, 2, 3
  )
  select 'chain: never gives back more than it drew', c.tenant_id, c.root, format('allowance %s, beyond %s, over %s, lots %s, credits %s', c.allowance, c.beyond, c.over, c.lots, c.credits)
  from by_chain c where c.whole and least(c.allowance, c.beyond, c.over, c.lots, c.credits) < 0
  union all
  select 'chain: gives back to the lots it drew', b.tenant_id, b.root, format('lot %s: %s', b.lot_id, b.net)
  from by_lot b join by_chain c on c.tenant_id = b.tenant_id and c.root = b.root where c.whole and b.net < 0
  union all
  select 'chain: never refunds more than was charged', c.tenant_id, c.root, format('charged %s, refunded %s', c.charged, c.refunded)
  from by_chain c where c.whole and c.refunded > c.charged
  union all
  select 'chain: still draws what was charged and not refunded, or is held', c.tenant_id, c.root,
         format('draws %s, charged %s, refunded %s, held %s', c.allowance + c.beyond, c.charged, c.refunded, coalesce(h.units, 0))
  from by_chain c left join holds h on h.tenant_id = c.tenant_id and h.id = c.root and h.status = 'open'
  where c.whole and c.allowance + c.beyond <> c.charged - c.refunded + coalesce(h.units, 0)
  union all
  select 'hold: settled by one entry, open by none', h.tenant_id, h.id, format('%s, settled by %s, commits %s', h.status, h.settled_by, coalesce(c.commits, 0))
  from holds h left join by_chain c on c.tenant_id = h.tenant_id and c.root = h.id
  where h.id >= ledger_archived_before() and (coalesce(c.commits, 0) <> (h.status = 'committed')::int or (h.status = 'open') <> (h.settled_by is null)
    or (h.settled_by is not null and not exists (
      select from entries e where e.tenant_id = h.tenant_id and e.id = h.settled_by and e.parent_id = h.id
        and e.operation = case h.status when 'committed' then 'commit' else 'release' end)))
  union all
  select 'hold: has its entry', h.tenant_id, h.id, format('units %s', h.units)
  from holds h where h.id >= ledger_archived_before() and not exists (
    select from entries e where e.tenant_id = h.tenant_id and e.id = h.id and e.operation = 'hold' and e.units = h.units and e.feature = h.feature)
  union all
  select 'hold: not open long past its expiry', h.tenant_id, h.id, format('expired at %s', h.expires_at)
  from holds h where h.status = 'open' and h.expires_at < p_now - interval '1 minute'
$$;
