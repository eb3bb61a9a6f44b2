-- Things that run, so many at once: counted from the leases themselves, under the meter's lock. Lock order: meter, then leases.

-- Ends what missed its heartbeat. The caller holds the meter's lock: a place is given away together with its lease's end, so
-- that no server's clock can bring the lease back.
create function gate_end_leases(p_now timestamptz, p_tenant text, p_feature text) returns int language plpgsql as $$
declare
  v_ended int;
begin
  perform 1 from leases where tenant_id = p_tenant and feature = p_feature and ended_at is null and expires_at <= p_now
    order by id for no key update;
  update leases set ended_at = expires_at, ended_because = 'expired'
    where tenant_id = p_tenant and feature = p_feature and ended_at is null and expires_at <= p_now;
  get diagnostics v_ended = row_count;
  return v_ended;
end $$;

-- Starts one more, if there is room. `running` counts it. A blocked account starts nothing; what runs may run on.
create function gate_lease(
  p_now timestamptz, p_tenant text, p_feature text, p_key text, p_id text, p_entry_id text, p_seconds int, p_actor text, p_properties text,
  p_confirmed boolean
) returns table (status text, reason text, lease_id text, running bigint, granted bigint, plan_version text)
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
#variable_conflict use_column
declare
  m meters;
  l leases;
begin
  perform gate_same_tenant(array[p_tenant]);
  select o.status, o.reason into status, reason from gate_plan_over(p_now, p_tenant, p_feature) o;
  if status is not null then running := 0; return next; return; end if;
  perform gate_lock(p_tenant, p_feature);
  perform gate_settle(p_now, p_tenant, p_feature, p_entry_id, p_actor);
  perform gate_end_leases(p_now, p_tenant, p_feature);
  -- The lease that the key has made stays as it is until it is counted and shown: a release waits.
  perform 1 from leases where tenant_id = p_tenant and idempotency_key = p_key and feature = p_feature for no key update;
  select * into m from meters where tenant_id = p_tenant and feature = p_feature and kind = 'lease';
  select count(*) into running from leases where tenant_id = p_tenant and feature = p_feature and ended_at is null;
  granted := m.granted; plan_version := m.plan_version;

  select * into l from leases where tenant_id = p_tenant and idempotency_key = p_key;
  if l.id is null then
    reason := case
      when m.tenant_id is null then 'not_in_plan'
      when m.blocked_reason is not null then 'blocked:' || m.blocked_reason
      when running < coalesce(m.granted, 9007199254740991) then null
      when m.on_limit = 'block' or m.granted = 0 then 'quota'
      when m.on_limit = 'prompt' and not p_confirmed then 'confirm' end;
    if reason is not null then status := 'denied'; return next; return; end if;
    insert into leases (tenant_id, id, feature, idempotency_key, started_at, heartbeat_at, expires_at, plan_version, actor, properties)
      values (p_tenant, p_id, p_feature, p_key, p_now, p_now, p_now + make_interval(secs => p_seconds), m.plan_version, p_actor, p_properties::jsonb)
      on conflict (tenant_id, idempotency_key) do nothing
      returning * into l;
    if l.id is not null then
      status := 'started'; lease_id := l.id; running := running + 1;
      return next;
      return;
    end if;
    -- The key won on another feature meanwhile.
    select * into l from leases where tenant_id = p_tenant and idempotency_key = p_key;
  end if;
  lease_id := l.id;
  status := case when l.feature = p_feature and l.properties is not distinct from p_properties::jsonb then 'replayed' else 'conflict' end;
  return next;
end $$;

-- Cron's housekeeping: features with leases that missed their heartbeat, across tenants, in pages. They count for nothing anyway.
create function gate_leases_due(p_now timestamptz, p_after_tenant text, p_after_feature text, p_limit int)
returns table (tenant_id text, feature text) language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select distinct l.tenant_id, l.feature from leases l
  where (l.tenant_id, l.feature) > (p_after_tenant, p_after_feature) and l.ended_at is null and l.expires_at <= p_now
  order by l.tenant_id, l.feature limit p_limit
$$;

-- Writes down the end of one feature's leases that missed their heartbeat. Safe late, twice, or never.
create function gate_sweep_leases(p_now timestamptz, p_tenant text, p_feature text) returns int
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  perform gate_same_tenant(array[p_tenant]);
  perform gate_lock(p_tenant, p_feature);
  return gate_end_leases(p_now, p_tenant, p_feature);
end $$;

-- Every breach of what leases promise. No rows: they keep it.
drop function if exists leases_books(timestamptz);
create function leases_books(p_now timestamptz) returns table (invariant text, tenant_id text, subject text, detail text)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  with live as (
    select * from leases where ended_at is null and expires_at > p_now
  ), let_in as (
    select l.tenant_id, l.id, l.feature, l.started_at,
           (select count(*) from live o where o.tenant_id = l.tenant_id and o.feature = l.feature and o.started_at <= l.started_at) as running
    from live l join meters m on m.tenant_id = l.tenant_id and m.feature = l.feature
    -- A plan change may leave more running than it allows: what runs, runs on.
    where m.plan_version = l.plan_version and m.on_limit = 'block'
  )
  select 'lease: let in within the limit', q.tenant_id, q.id, format('%s running, limit %s', q.running, q.most)
  from (
    select i.*, (
      -- The limit that held when it was let in, or within a minute of that: clocks and turns at the lock differ.
      select case when bool_or(e.granted_after is null) then null else max(e.granted_after) end from entries e
      where e.tenant_id = i.tenant_id and e.feature = i.feature and e.operation in ('grant', 'adjust')
        and e.created_at <= i.started_at + interval '1 minute'
        and e.id >= coalesce((select max(b.id) from entries b where b.tenant_id = i.tenant_id and b.feature = i.feature
                              and b.operation in ('grant', 'adjust') and b.created_at < i.started_at - interval '1 minute'), '')
    ) as most from let_in i
  ) q where q.running > q.most
  union all
  select 'lease: its feature is one', l.tenant_id, l.id, l.feature
  from leases l where not exists (select from meters m where m.tenant_id = l.tenant_id and m.feature = l.feature and m.kind = 'lease')
  union all
  select 'lease: its instants follow each other', l.tenant_id, l.id,
         format('started %s, heartbeat %s, expires %s, ended %s %s', l.started_at, l.heartbeat_at, l.expires_at, l.ended_at, l.ended_because)
  from leases l
  where l.started_at > l.heartbeat_at or l.heartbeat_at >= l.expires_at or (l.ended_at is null) <> (l.ended_because is null)
    or (l.ended_because = 'expired' and l.ended_at <> l.expires_at)
    or (l.ended_because = 'released' and l.ended_at not between l.started_at and l.expires_at)
  union all
  select 'meter: a lease draws nothing', m.tenant_id, m.feature, format('used %s, beyond %s', m.used, m.beyond)
  from meters m where m.kind = 'lease' and (m.used <> 0 or m.beyond <> 0 or m.over <> 0)
$$;
