select open_wall_for_gate(t) from unnest(array['subscriptions']) t;

-- Tenants whose subscription has another quantity than the seats they hold, or a pause that is over, across tenants, in pages.
-- Ids only. A change of plan that waits for its payment brings its own quantity; a pause that waits for one has its page to pay.
create or replace function subscriptions_due(p_now timestamptz, p_after text, p_limit int)
returns table (tenant_id text) language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select d.tenant_id from (
    select s.tenant_id
    from subscriptions s left join meters m on m.tenant_id = s.tenant_id and m.feature = s.seat_feature
    where s.seat_feature is not null and s.status in ('active', 'trialing', 'past_due')
      and s.change_kind is distinct from 'payment_needed'
      and s.quantity <> greatest(s.seats_at_least, coalesce(m.used, 0)) and s.tenant_id > p_after
    union
    select s.tenant_id from subscriptions s
    where s.resumes_at is not null and s.resumes_at <= p_now and s.status = 'paused' and s.tenant_id > p_after
      and (s.pay_url is null or s.resumes_at < p_now - interval '14 days')) d
  order by d.tenant_id limit p_limit
$$;
