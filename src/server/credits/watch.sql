-- What is told when spendable credits fall below a tenant's own marks. Runs in the transaction that moved them.
select open_wall_for_gate(t) from unnest(array['replenishments', 'credit_accounts']) t;

-- What may be spent this instant.
create or replace function credit_spendable(p_now timestamptz, p_tenant text) returns bigint language sql stable as $$
  select coalesce(sum(remaining), 0)::bigint from lots
  where tenant_id = p_tenant and unit = 'credits' and closed_at is null and starts_at <= p_now and (expires_at is null or expires_at > p_now)
$$;

-- One message per crossing of low_at, told again only once there was enough in between; and since when a top-up is due. The row
-- is locked before anything is counted, so that of two transactions that move credits the second sees the first. Comes last
-- in the lock order. p_id: the entry's that moved them.
create or replace function credit_watch(p_now timestamptz, p_tenant text, p_id text) returns void language plpgsql as $$
declare
  c credit_accounts;
  v_left bigint;
begin
  select * into c from credit_accounts where tenant_id = p_tenant for no key update;
  if c.low_at is null and c.top_up_at is null then return; end if;
  v_left := credit_spendable(p_now, p_tenant);
  if c.low_told_at is null and v_left < c.low_at then
    update credit_accounts set low_told_at = p_now where tenant_id = p_tenant;
    insert into outbox (tenant_id, id, fact, type, payload, created_at)
      select p_tenant, 'msg_' || substr(q.id, 5), 'credits.low:' || q.id, 'credits.low', jsonb_build_object('left', v_left, 'lowAt', c.low_at), p_now
      from gate_beside(p_id) q(id);
  elsif c.low_told_at is not null and v_left >= c.low_at then
    update credit_accounts set low_told_at = null where tenant_id = p_tenant;
  end if;
  if c.top_up_due_at is null and v_left < c.top_up_at then
    update credit_accounts set top_up_due_at = p_now where tenant_id = p_tenant;
  end if;
end $$;

-- For what moves credits without drawing them: a grant, new marks.
create or replace function credit_watched(p_now timestamptz, p_tenant text, p_id text) returns void
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  perform gate_same_tenant(array[p_tenant]);
  perform credit_watch(p_now, p_tenant, p_id);
end $$;

-- Below which mark the tenant is told; null: never. Who is below it from the start is told after there was enough once.
create or replace function credit_tell_below(p_now timestamptz, p_tenant text, p_low_at bigint) returns void
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  perform gate_same_tenant(array[p_tenant]);
  if p_low_at is null and not exists (select from credit_accounts where tenant_id = p_tenant) then return; end if;
  insert into credit_accounts (tenant_id, low_at, low_told_at)
    values (p_tenant, p_low_at, case when credit_spendable(p_now, p_tenant) < p_low_at then p_now end)
    on conflict (tenant_id) do update set low_at = excluded.low_at, low_told_at = excluded.low_told_at
    where credit_accounts.low_at is distinct from excluded.low_at;
end $$;
