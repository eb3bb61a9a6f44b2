select open_wall_for_gate(t) from unnest(array['orders', 'order_lines', 'checkouts', 'refunds', 'disputes']) t;

-- Every breach of what orders promise, over all tenants.
create or replace function orders_books(p_now timestamptz) returns table (invariant text, tenant_id text, subject text, detail text)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  with sold as (
    select o.tenant_id, o.id, o.fulfilled_at, n.line, n.kind, n.credits, n.days, 'order:' || o.id || ':' || n.line as source
    from orders o join order_lines n on n.tenant_id = o.tenant_id and n.order_id = o.id
  ), given as (
    select l.tenant_id, l.id, l.source, l.granted, split_part(l.source, ':', 2) as order_id, split_part(l.source, ':', 3) as line
    from lots l where l.source like 'order:ord\_%'
  ), back as (
    select o.tenant_id, o.id, o.total_minor, o.money_back_minor,
           coalesce((select sum(r.amount_minor) from refunds r where r.tenant_id = o.tenant_id and r.order_id = o.id and r.status = 'succeeded'), 0)
             + coalesce((select sum(d.amount_minor) from disputes d where d.tenant_id = o.tenant_id and d.order_id = o.id
                 and d.status not in ('won', 'prevented', 'warning_needs_response', 'warning_under_review', 'warning_closed')), 0) as told
    from orders o where o.fulfilled_at is not null
  ), shares as (
    select s.tenant_id, s.source, floor(s.credits::numeric * b.money_back_minor / nullif(b.total_minor, 0)) as target,
           l.remaining, l.taken_back, l.written_off, coalesce(d.amount, 0) as owed
    from sold s join back b on b.tenant_id = s.tenant_id and b.id = s.id join lots l on l.tenant_id = s.tenant_id and l.source = s.source
      left join debts d on d.tenant_id = l.tenant_id and d.lot_id = l.id
    where s.kind = 'credits'
  )
  select 'order: fulfilled by one payment, unless it cost nothing', o.tenant_id, o.id, format('total %s, payment %s', o.total_minor, o.payment_id)
  from orders o where o.fulfilled_at is not null and o.total_minor > 0 and o.payment_id is null
  union all
  select 'order: fulfilled or not, as its status says', o.tenant_id, o.id, format('%s, fulfilled at %s', o.status, o.fulfilled_at)
  from orders o where (o.status in ('open', 'expired', 'failed')) = (o.fulfilled_at is not null)
  union all
  select 'order: it sells something', o.tenant_id, o.id, 'no lines'
  from orders o where not exists (select from order_lines n where n.tenant_id = o.tenant_id and n.order_id = o.id)
  union all
  select 'order: its credits are given when it is fulfilled, all of them and once', s.tenant_id, s.source, format('sold %s, given %s', s.credits, g.granted)
  from sold s left join given g on g.tenant_id = s.tenant_id and g.source = s.source
  where s.kind = 'credits' and case when s.fulfilled_at is null then 0 else s.credits end <> coalesce(g.granted, 0)
  union all
  select 'order: what it gave, it sold', g.tenant_id, g.id, g.source
  from given g
  where not exists (select from sold s where s.tenant_id = g.tenant_id and s.id = g.order_id and s.fulfilled_at is not null
      and (s.source = g.source or (g.line = 'compensation' and s.days is not null)))
  union all
  select 'order: money back = its refunds and disputes', b.tenant_id, b.id, format('%s of %s is back, %s were told', b.money_back_minor, b.total_minor, b.told)
  from back b where b.money_back_minor <> least(b.told, b.total_minor)
  union all
  select 'order: credits taken back or owed = the share of its money that is back', h.tenant_id, h.source,
         format('share %s, taken back %s, owed %s, expired %s, remaining %s', h.target, h.taken_back, h.owed, h.written_off, h.remaining)
  from shares h
  where h.taken_back > coalesce(h.target, 0) or h.taken_back + h.owed + h.written_off < h.target
     or h.owed <> greatest(coalesce(h.target, 0) - h.remaining - h.taken_back - h.written_off, 0)
  union all
  select 'prepaid plan: somebody paid for it', t.tenant_id, t.plan_version, format('until %s', t.ends_at)
  from tenant_plans t
  where t.source = 'prepaid' and not exists (select from sold s where s.tenant_id = t.tenant_id and s.days is not null and s.fulfilled_at is not null)
  union all
  select 'checkout: settled if and only if its order is fulfilled', c.tenant_id, c.id, format('%s, order %s fulfilled at %s', c.status, c.order_id, o.fulfilled_at)
  from checkouts c join orders o on o.tenant_id = c.tenant_id and o.id = c.order_id
  where (c.completed_at is not null) <> (o.fulfilled_at is not null)
$$;
