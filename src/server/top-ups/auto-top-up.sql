-- Tenants whose top-up is due, across tenants, in pages: who is not due costs nothing. Ids only: the rest is asked as the tenant.
create or replace function top_ups_due(p_now timestamptz, p_after text, p_limit int)
returns table (tenant_id text) language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select a.tenant_id from credit_accounts a
  where a.top_up_due_at is not null and a.top_up_due_at <= p_now and a.tenant_id > p_after
  order by a.tenant_id limit p_limit
$$;

select open_wall_for_gate(t) from unnest(array['auto_top_ups', 'top_up_attempts', 'orders']) t;

-- Every breach of what automatic top-ups promise, over all tenants.
create or replace function top_up_books(p_now timestamptz) returns table (invariant text, tenant_id text, subject text, detail text)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select 'top-up: paid if and only if its order is fulfilled, by the same payment', a.tenant_id, a.order_id,
         format('attempt %s by %s, order paid at %s by %s', a.status, a.payment_id, o.fulfilled_at, o.payment_id)
  from top_up_attempts a left join orders o on o.tenant_id = a.tenant_id and o.id = a.order_id
  where (a.status = 'paid') is distinct from (o.fulfilled_at is not null)
     or (a.status = 'paid' and o.payment_id is distinct from a.payment_id) or o.origin <> 'auto_top_up'
  union all
  select 'top-up: every order of its own has its attempt', o.tenant_id, o.id, format('order %s', o.status)
  from orders o
  where o.origin = 'auto_top_up'
    and not exists (select from top_up_attempts a where a.tenant_id = o.tenant_id and a.order_id = o.id)
  union all
  select 'top-up: an attempt under way is looked at again', a.tenant_id, a.order_id, 'in flight, and nobody is due'
  from top_up_attempts a left join credit_accounts c on c.tenant_id = a.tenant_id
  where a.status = 'in_flight' and c.top_up_due_at is null
  union all
  select 'top-up: watched at its threshold while it is on, and only then', coalesce(t.tenant_id, c.tenant_id), 'credits',
         format('threshold %s, watched at %s', t.threshold, c.top_up_at)
  from (select * from auto_top_ups where enabled_at is not null) t full join (select * from credit_accounts where top_up_at is not null) c
    on c.tenant_id = t.tenant_id
  where t.threshold is distinct from c.top_up_at
  union all
  select 'top-up: on or stopped, not both', t.tenant_id, t.pack_id, format('on since %s, stopped at %s', t.enabled_at, t.stopped_at)
  from auto_top_ups t
  where t.enabled_at is not null and t.stopped_at is not null
$$;
