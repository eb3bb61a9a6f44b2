-- The gate: every draw on allowance, lots and credits happens in these functions, each in one round trip.
-- They run as tollgate_gate (nobody can log in as it), because one batch may carry calls of several tenants.
-- Only the SECURITY DEFINER functions are called from outside; they fix the search_path for the others.
-- Lock order: meter rows by (tenant, feature), then lots in draw order. Both paths keep it, so batches never deadlock.

-- decide.sql holds the exact path, which everything here falls back to.

-- Refuses a call for another tenant than the one the open transaction is narrowed to.
create or replace function gate_same_tenant(p_tenants text[]) returns void
language plpgsql as $$
declare
  v_tenant constant text := current_setting('app.tenant_id', true);
begin
  if v_tenant <> '' and v_tenant <> any (p_tenants) then
    raise exception 'the transaction belongs to another tenant' using errcode = 'insufficient_privilege';
  end if;
end $$;

-- One call alone: the fast path without arrays. When the key turns out to be taken, the units go back under the
-- row's own lock and the exact path answers.
create function gate_single(
  p_now timestamptz, p_tenant text, p_feature text, p_units bigint, p_key text, p_id text, p_actor text, p_properties jsonb
) returns gate_answer language plpgsql as $$
declare
  m meters;
  a gate_answer;
begin
  update meters b set used = b.used + p_units
    where b.tenant_id = p_tenant and b.feature = p_feature and b.blocked_reason is null
      and (b.window_ends_at is null or p_now < b.window_ends_at)
      and b.used + p_units <= coalesce(b.granted, 9007199254740991)
    returning b.* into m;
  if not found then return gate_one(p_now, p_tenant, p_feature, p_units, p_key, p_id, p_actor, p_properties); end if;
  -- A threshold is told with its entry, so a call that reaches one takes the exact path too.
  if m.used * 5 < m.granted * 4 or m.granted is null then
    insert into entries (tenant_id, id, idempotency_key, operation, feature, units, allowance_units, used_after, granted_after,
                         window_starts_at, window_ends_at, plan_version, actor, properties, created_at)
      values (p_tenant, p_id, p_key, 'consume', p_feature, p_units, p_units, m.used, m.granted,
              m.window_starts_at, m.window_ends_at, m.plan_version, p_actor, p_properties, p_now)
      on conflict (tenant_id, idempotency_key) do nothing;
    if found then
      a := ('consumed', null, p_id, m.used, m.granted, 0, m.window_starts_at, m.window_ends_at, p_units, 0, 0, null, m.plan_version, null, null);
      return a;
    end if;
  end if;
  update meters b set used = b.used - p_units where b.tenant_id = p_tenant and b.feature = p_feature;
  return gate_one(p_now, p_tenant, p_feature, p_units, p_key, p_id, p_actor, p_properties);
end $$;

-- Consumes a batch. Rows come back with their position; one call's denial or replay never touches its neighbours.
create function gate_consume(
  p_now timestamptz, p_tenants text[], p_features text[], p_units bigint[], p_keys text[], p_ids text[], p_actors text[], p_properties text[]
) returns setof gate_row language plpgsql security definer set search_path = pg_catalog, public, pg_temp set plan_cache_mode = force_generic_plan set jit = off as $$
declare
  g record;
  m meters;
  a gate_answer;
  n constant int := cardinality(p_tenants);
  j int;
  v_before bigint;
  v_fast int := 0;
  v_inserted int;
  v_slow int[] := '{}';
  v_used bigint[] := array_fill(null::bigint, array[n]);
  v_granted bigint[] := array_fill(null::bigint, array[n]);
  v_starts timestamptz[] := array_fill(null::timestamptz, array[n]);
  v_ends timestamptz[] := array_fill(null::timestamptz, array[n]);
  v_plan text[] := array_fill(null::text, array[n]);
  v_crossed smallint[] := array_fill(null::smallint, array[n]);
begin
  perform gate_same_tenant(p_tenants);
  if n = 1 then
    return next gate_row_of(1, gate_single(p_now, p_tenants[1], p_features[1], p_units[1], p_keys[1], p_ids[1], p_actors[1], p_properties[1]::jsonb));
    return;
  end if;
  begin
    for g in
      select q.t, q.f, sum(q.u)::bigint as total, array_agg(q.i::int order by q.i) as at
      from unnest(p_tenants, p_features, p_units) with ordinality q(t, f, u, i)
      group by q.t, q.f order by q.t, q.f
    loop
      -- The race between callers is settled here: the row moves only if all of it still fits.
      update meters b set used = b.used + g.total
        where b.tenant_id = g.t and b.feature = g.f and b.blocked_reason is null
          and (b.window_ends_at is null or p_now < b.window_ends_at)
          and b.used + g.total <= coalesce(b.granted, 9007199254740991)
        returning b.* into m;
      if not found then
        perform 1 from meters b where b.tenant_id = g.t and b.feature = g.f for no key update;
        v_slow := v_slow || g.at;
        continue;
      end if;
      v_before := m.used - g.total;
      foreach j in array g.at loop
        v_used[j] := v_before + p_units[j]; v_granted[j] := m.granted; v_plan[j] := m.plan_version;
        v_starts[j] := m.window_starts_at; v_ends[j] := m.window_ends_at;
        if v_used[j] * 5 >= m.granted * 4 then
          v_crossed[j] := gate_thresholds(p_now, g.t, g.f, p_ids[j], v_before, v_used[j], m.granted, m.window_starts_at);
        end if;
        v_before := v_used[j];
      end loop;
      v_fast := v_fast + cardinality(g.at);
    end loop;
    insert into entries (tenant_id, id, idempotency_key, operation, feature, units, allowance_units, used_after, granted_after,
                         window_starts_at, window_ends_at, plan_version, crossed, actor, properties, created_at)
      select q.t, q.id, q.k, 'consume', q.f, q.u, q.u, q.used, q.granted, q.s, q.e, q.plan, q.crossed, q.actor, q.p::jsonb, p_now
      from unnest(p_tenants, p_ids, p_keys, p_features, p_units, v_used, v_granted, v_starts, v_ends, v_plan, v_crossed, p_actors, p_properties)
        as q(t, id, k, f, u, used, granted, s, e, plan, crossed, actor, p)
      where q.used is not null
      on conflict (tenant_id, idempotency_key) do nothing;
    get diagnostics v_inserted = row_count;
    if v_inserted <> v_fast then raise exception 'a key was used before' using errcode = 'QK001'; end if;
  exception when sqlstate 'QK001' then
    -- Undone to the line above; every call now takes the exact path, with the meter rows locked in the same order.
    v_used := array_fill(null::bigint, array[n]);
    select array_agg(i::int order by t, f, i) into v_slow from unnest(p_tenants, p_features) with ordinality q(t, f, i);
    perform 1 from meters b where (b.tenant_id, b.feature) in (select * from unnest(p_tenants, p_features))
      order by b.tenant_id, b.feature for no key update;
  end;

  return query
    select q.i::int, 'consumed', null::text, q.id, q.used, q.granted, 0::bigint, (extract(epoch from q.s) * 1000)::bigint,
           (extract(epoch from q.e) * 1000)::bigint, q.u, 0::bigint, 0::bigint, q.crossed, q.plan, null::text[], null::bigint[]
    from unnest(p_ids, p_units, v_used, v_granted, v_starts, v_ends, v_plan, v_crossed) with ordinality q(id, u, used, granted, s, e, plan, crossed, i)
    where q.used is not null;
  foreach j in array v_slow loop
    a := gate_one(p_now, p_tenants[j], p_features[j], p_units[j], p_keys[j], p_ids[j], p_actors[j], p_properties[j]::jsonb);
    return next gate_row_of(j, a);
  end loop;
end $$;

-- The same decision without the write. Nothing is locked.
create function gate_check(p_now timestamptz, p_tenant text, p_feature text, p_units bigint) returns setof gate_row language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  perform gate_same_tenant(array[p_tenant]);
  return next gate_row_of(1, gate_decide(p_now, p_tenant, p_feature, p_units, true, null, null));
end $$;

-- Gives back units of a level (a channel was removed, a seat freed). Never below zero held.
create function gate_release(
  p_now timestamptz, p_tenant text, p_feature text, p_units bigint, p_key text, p_id text, p_actor text, p_properties text
) returns table (status text, entry_id text, used bigint, granted bigint) language plpgsql
security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  m meters;
  a gate_answer;
begin
  perform gate_same_tenant(array[p_tenant]);
  select * into m from meters b where b.tenant_id = p_tenant and b.feature = p_feature and b.kind = 'level' for no key update;
  if not found then return query select 'not_a_level', null::text, null::bigint, null::bigint; return; end if;
  a := gate_stored(p_tenant, p_key, 'release', p_feature, p_units, p_properties::jsonb);
  if a.status is not null then return query select a.status, a.entry_id, a.used, a.granted; return; end if;
  if m.used < p_units then return query select 'not_held', null::text, m.used, m.granted; return; end if;
  insert into entries (tenant_id, id, idempotency_key, operation, feature, units, allowance_units, used_after, granted_after, window_starts_at, plan_version, actor, properties, created_at)
    values (p_tenant, p_id, p_key, 'release', p_feature, p_units, -p_units, m.used - p_units, m.granted, m.window_starts_at, m.plan_version, p_actor, p_properties::jsonb, p_now)
    on conflict (tenant_id, idempotency_key) do nothing;
  if not found then return query select 'conflict', null::text, m.used, m.granted; return; end if;
  update meters b set used = b.used - p_units where b.tenant_id = p_tenant and b.feature = p_feature;
  return query select 'released', p_id, m.used - p_units, m.granted;
end $$;

-- Cron's housekeeping: meters whose window is over, across tenants, in pages. Rolling itself is lazy and exact anyway.
create or replace function gate_due(p_now timestamptz, p_after_tenant text, p_after_feature text, p_limit int)
returns table (tenant_id text, feature text) language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select b.tenant_id, b.feature from meters b
  where (b.tenant_id, b.feature) > (p_after_tenant, p_after_feature) and b.window_ends_at <= p_now
  order by b.tenant_id, b.feature limit p_limit
$$;

-- Rolls one meter if it is due. Safe late, twice, or never.
create or replace function gate_roll_due(p_now timestamptz, p_tenant text, p_feature text, p_id text, p_actor text) returns boolean
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  perform gate_same_tenant(array[p_tenant]);
  perform 1 from meters where tenant_id = p_tenant and feature = p_feature for no key update;
  return gate_roll(p_now, p_tenant, p_feature, p_id, p_actor);
end $$;
