select open_wall_for_gate(t) from unnest(array['dunnings', 'subscriptions']) t;

-- Tenants whose dunning has come to its next step, or whose end is under way, across tenants, in pages. Ids only: the rest is
-- asked as the tenant.
create or replace function dunnings_due(p_now timestamptz, p_after text, p_limit int)
returns table (tenant_id text) language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select distinct d.tenant_id from dunnings d
  where d.due_at is not null and d.due_at <= p_now and d.tenant_id > p_after
  order by d.tenant_id limit p_limit
$$;

-- For operators: who has not paid, the longest first, in pages. A page begins after the last invoice of the one before.
create or replace function dunning_queue(p_since timestamptz, p_invoice text, p_limit int)
returns table (tenant_id text, subscription_id text, invoice_id text, past_due_since timestamptz,
  purchases_stop_at timestamptz, plan_ends_at timestamptz, amount_minor bigint, currency text, next_attempt_at timestamptz, ending_at timestamptz)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select d.tenant_id, d.subscription_id, d.invoice_id, d.past_due_since, d.purchases_stop_at, d.plan_ends_at,
         d.amount_minor, d.currency, d.next_attempt_at, d.ending_at
  from dunnings d
  where d.closed_at is null and (p_since is null or (d.past_due_since, d.invoice_id) > (p_since, p_invoice))
  order by d.past_due_since, d.invoice_id limit p_limit
$$;

-- Every breach of what dunnings promise, over all tenants.
create or replace function dunning_books(p_now timestamptz) returns table (invariant text, tenant_id text, subject text, detail text)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select 'dunning: open for as long as something is due', d.tenant_id, d.invoice_id, format('closed at %s as %s, due at %s', d.closed_at, d.outcome, d.due_at)
  from dunnings d
  where (d.closed_at is null) <> (d.due_at is not null) or (d.closed_at is null) <> (d.outcome is null)
  union all
  select 'dunning: it ends by way of its ending', d.tenant_id, d.invoice_id, format('%s, ending at %s', d.outcome, d.ending_at)
  from dunnings d where d.outcome = 'ended' and d.ending_at is null
  union all
  select 'dunning: the plan ends when the tenant was told, or sooner', d.tenant_id, d.invoice_id, format('told %s, plan until %s', d.plan_ends_at, t.ends_at)
  from dunnings d join tenant_plans t on t.tenant_id = d.tenant_id
  where d.closed_at is null and d.ending_at is null and t.source = 'subscription' and (t.ends_at is null or t.ends_at > d.plan_ends_at)
    and not exists (select from subscriptions s
      where s.tenant_id = d.tenant_id and s.subscription_id <> d.subscription_id and s.status in ('active', 'trialing', 'past_due'))
$$;
