-- Calls that travel together: what batch.ts asks, and how it is answered. The rules are gate.sql's, and so is the lock order; what does
-- not fit a batch takes the exact path in decide.sql. A batch waits for a row for a tenth of a second only: then somebody holds it for
-- longer than a batch does, and the tenants travel for themselves (lanes.ts), so that nobody waits for another's transaction.

-- What a batch answers, as json. Calls that were served together share their meter's answer (arrays by group, instants as seconds, and
-- the lot that paid when it was not the allowance); the others have their own.
create type gate_batch as (
  before bigint[], granted bigint[], starts float8[], ends float8[], plans text[], lots text[], by_credits boolean[], others json
);

create type gate_paid as (
  at int[], before bigint[], granted bigint[], s timestamptz[], e timestamptz[], plan text[], lot text[], by_credits boolean[]
);

-- A batch of one meter's calls, with their running total: one UPDATE and one INSERT, and no arrays of meters to be taken apart and put
-- together, which is a fifth of what a small batch costs. Answers with an array as one call alone does, but of what was used before;
-- what does not fit goes the way of all batches, and is answered as they are.
create function gate_consume_meter(
  p_now timestamptz, p_tenant text, p_feature text, p_total bigint, p_largest bigint, p_units bigint[], p_upto bigint[], p_keys text[], p_ids text[],
  p_actors text[], p_properties text[], p_breakdowns text[]
) returns json language plpgsql security definer set search_path = pg_catalog, public, pg_temp set lock_timeout = '100ms' as $$
declare
  v_before bigint;
  v_granted bigint;
  v_starts timestamptz;
  v_ends timestamptz;
  v_plan text;
begin
  if nullif(current_setting('app.tenant_id', true), '') <> p_tenant then perform gate_same_tenant(array[p_tenant]); end if;
  update meters m set used = m.used + p_total
    where m.tenant_id = p_tenant and m.feature = p_feature
      and m.used + p_total <= gate_fast_limit(m) and p_now < gate_fast_until(m) and p_largest <= m.request_cap
    returning m.used - p_total, m.granted, m.window_starts_at, m.window_ends_at, m.plan_version into v_before, v_granted, v_starts, v_ends, v_plan;
  if not found then
    return gate_consume(p_now, false, array[p_tenant], array[p_feature], array[p_total], array[p_largest], array_fill(1, array[cardinality(p_ids)]),
      p_units, p_upto, p_keys, p_ids, p_actors, p_properties, p_breakdowns);
  end if;
  insert into entries (tenant_id, id, idempotency_key, operation, feature, units, allowance_units, used_after, granted_after,
                       window_starts_at, window_ends_at, plan_version, actor, properties, breakdown, created_at)
    select p_tenant, q.id, q.key, 'consume', p_feature, q.units, q.units, v_before + q.upto, v_granted,
           v_starts, v_ends, v_plan, q.actor, q.properties::jsonb, q.breakdown::jsonb, p_now
    from unnest(p_units, p_upto, p_keys, p_ids, p_actors, p_properties, p_breakdowns) q(units, upto, key, id, actor, properties, breakdown);
  if p_keys is not null then
    perform gate_claim_all(array[p_tenant], array[p_feature], array[v_before], array_fill(1, array[cardinality(p_ids)]),
      p_units, p_keys, p_ids, p_properties, p_breakdowns);
  end if;
  return json_build_array(v_before, v_granted, date_part('epoch', v_starts), date_part('epoch', v_ends), v_plan);
end $$;

-- Any batch. Calls come sorted by group (one meter each, in lock order), with their running total inside the group, so that
-- the fast path is one UPDATE and one INSERT for all. A group that doesn't fit takes the exact path, call by call.
-- QK001: a key was used before, or a row was held by somebody. Nothing was done: ask again with p_exact.
create function gate_consume(
  p_now timestamptz, p_exact boolean, p_group_tenants text[], p_group_features text[], p_group_totals bigint[], p_group_largest bigint[],
  p_groups int[], p_units bigint[], p_upto bigint[], p_keys text[], p_ids text[], p_actors text[], p_properties text[], p_breakdowns text[]
) returns json language plpgsql security definer set search_path = pg_catalog, public, pg_temp set lock_timeout = '100ms'
set plan_cache_mode = force_generic_plan set jit = off set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off as $$
declare
  g constant int := cardinality(p_group_tenants);
  b gate_batch;
  v_hit int[];
  v_starts timestamptz[];
  v_ends timestamptz[];
  v_rows bigint;
  v_paid gate_paid;
begin
  if current_setting('app.tenant_id', true) <> '' then perform gate_same_tenant(p_group_tenants); end if;
  if p_exact then
    perform 1 from meters m join unnest(p_group_tenants, p_group_features) q(tenant, feature) on m.tenant_id = q.tenant and m.feature = q.feature
      order by m.tenant_id, m.feature for no key update of m;
    b.others := gate_others(p_now, p_group_tenants, p_group_features, null, p_groups, p_units, p_keys, p_ids, p_actors, p_properties, p_breakdowns);
    return to_json(b);
  end if;
  -- The nested loop that the settings above leave over updates rows in the order of the arrays, which is the lock order.
  with moved as (
    update meters m set used = m.used + q.total
    from unnest(p_group_tenants, p_group_features, p_group_totals, p_group_largest) with ordinality q(tenant, feature, total, largest, at)
    where m.tenant_id = q.tenant and m.feature = q.feature
      and m.used + q.total <= gate_fast_limit(m) and p_now < gate_fast_until(m) and q.largest <= m.request_cap
    returning q.at::int as at, m.used - q.total as before, m.granted, m.window_starts_at as s, m.window_ends_at as e, m.plan_version
  )
  select array_agg(at order by at), array_agg(before order by at), array_agg(granted order by at), array_agg(s order by at),
         array_agg(e order by at), array_agg(date_part('epoch', s) order by at), array_agg(date_part('epoch', e) order by at), array_agg(plan_version order by at)
    into v_hit, b.before, b.granted, v_starts, v_ends, b.starts, b.ends, b.plans from moved;
  if v_hit is null or cardinality(v_hit) < g then
    -- Not in lock order any more, so nothing is waited for.
    select count(*) into v_rows from (
      select 1 from unnest(p_group_tenants, p_group_features) with ordinality q(tenant, feature, at)
      join meters m on m.tenant_id = q.tenant and m.feature = q.feature
      where v_hit is null or q.at <> all (v_hit) for no key update of m skip locked) x;
    if v_rows < (select count(*) from unnest(p_group_tenants, p_group_features) with ordinality q(tenant, feature, at)
        join meters m on m.tenant_id = q.tenant and m.feature = q.feature where v_hit is null or q.at <> all (v_hit)) then
      raise exception 'a row was held' using errcode = 'QK001';
    end if;
    select array_agg(at) as at, array_agg(used) as before, array_agg(granted) as granted, array_agg(s) as s, array_agg(e) as e, array_agg(plan) as plan,
           array_agg(lot) as lot, array_agg(by_credits) as by_credits
      into v_paid from gate_pay_together(p_now, p_group_tenants, p_group_features, p_group_totals, p_group_largest, v_hit);
    perform credit_watch(p_now, w.tenant, w.id) from (
      select p_group_tenants[q.at] as tenant, min(p_ids[array_position(p_groups, q.at)]) as id
      from unnest(v_paid.at, v_paid.by_credits) q(at, by_credits) where q.by_credits group by 1 order by 1) w;
    -- Everything by group again: what the allowance served, what one lot paid for, and nulls for the rest.
    select array_agg(q.before order by q.at), array_agg(q.granted order by q.at), array_agg(q.s order by q.at), array_agg(q.e order by q.at),
           array_agg(date_part('epoch', q.s) order by q.at), array_agg(date_part('epoch', q.e) order by q.at), array_agg(q.plan order by q.at),
           array_agg(q.lot order by q.at), array_agg(q.by_credits order by q.at)
      into b.before, b.granted, v_starts, v_ends, b.starts, b.ends, b.plans, b.lots, b.by_credits
      from (select h.*, null::text as lot, null::boolean as by_credits from unnest(v_hit, b.before, b.granted, v_starts, v_ends, b.plans) h(at, before, granted, s, e, plan)
            union all
            select * from unnest(v_paid.at, v_paid.before, v_paid.granted, v_paid.s, v_paid.e, v_paid.plan, v_paid.lot, v_paid.by_credits)
            union all
            select i, null, null, null, null, null, null, null from generate_series(1, g) i where i <> all (coalesce(v_hit, '{}') || coalesce(v_paid.at, '{}'))) q;
    b.others := gate_others(p_now, p_group_tenants, p_group_features, b.before, p_groups, p_units, p_keys, p_ids, p_actors, p_properties, p_breakdowns);
  end if;
  insert into entries (tenant_id, id, idempotency_key, operation, feature, units, allowance_units, used_after, granted_after,
                       window_starts_at, window_ends_at, plan_version, actor, properties, breakdown, created_at)
    select p_group_tenants[q.g], q.id, q.key, 'consume', p_group_features[q.g], q.units, q.units, b.before[q.g] + q.upto, b.granted[q.g],
           v_starts[q.g], v_ends[q.g], b.plans[q.g], q.actor, q.properties::jsonb, q.breakdown::jsonb, p_now
    from unnest(p_groups, p_units, p_upto, p_keys, p_ids, p_actors, p_properties, p_breakdowns) q(g, units, upto, key, id, actor, properties, breakdown)
    where b.before[q.g] is not null and b.lots[q.g] is null;
  if v_paid.at is not null then
    insert into entries (tenant_id, id, idempotency_key, operation, feature, units, lot_units, credits, beyond_units, lot_ids, lot_draws, used_after, granted_after,
                         window_starts_at, window_ends_at, plan_version, actor, properties, breakdown, created_at)
      select p_group_tenants[q.g], q.id, q.key, 'consume', p_group_features[q.g], q.units, case when b.by_credits[q.g] then 0 else q.units end,
             case when b.by_credits[q.g] then q.units else 0 end, q.units, array[b.lots[q.g]], array[q.units], b.before[q.g], b.granted[q.g],
             v_starts[q.g], v_ends[q.g], b.plans[q.g], q.actor, q.properties::jsonb, q.breakdown::jsonb, p_now
      from unnest(p_groups, p_units, p_keys, p_ids, p_actors, p_properties, p_breakdowns) q(g, units, key, id, actor, properties, breakdown)
      where b.lots[q.g] is not null;
  end if;
  if p_keys is not null then
    perform gate_claim_all(p_group_tenants, p_group_features, b.before, p_groups, p_units, p_keys, p_ids, p_properties, p_breakdowns);
  end if;
  return to_json(b);
end $$;

-- The keys of the calls that were served together (p_before is not null for their group). Raises QK001 when one was used before.
create function gate_claim_all(
  p_group_tenants text[], p_group_features text[], p_before bigint[], p_groups int[], p_units bigint[], p_keys text[], p_ids text[], p_properties text[],
  p_breakdowns text[]
) returns void language plpgsql as $$
declare
  v_claimed bigint;
begin
  insert into idempotency_keys (tenant_id, key, entry_id, request_hash)
    select p_group_tenants[q.g], q.key, q.id, gate_hash('consume', p_group_features[q.g], q.units, q.properties::jsonb, q.breakdown::jsonb)
    from unnest(p_groups, p_units, p_keys, p_ids, p_properties, p_breakdowns) q(g, units, key, id, properties, breakdown)
    where p_before[q.g] is not null and q.key is not null
    order by 1, 2
    on conflict do nothing;
  get diagnostics v_claimed = row_count;
  if v_claimed <> (select count(*) from unnest(p_groups, p_keys) q(g, key) where p_before[q.g] is not null and q.key is not null) then
    raise exception 'a key was used before' using errcode = 'QK001';
  end if;
end $$;

-- Groups whose allowance is used up, with no abandoned hold that keeps any of it back, and whose first lot in draw order covers all their calls: of the meter's own unit or, when
-- there is none and one credit pays for one unit, of credits. The caller holds the meters' locks. What is less plain is
-- left to the exact path.
create function gate_pay_together(
  p_now timestamptz, p_group_tenants text[], p_group_features text[], p_group_totals bigint[], p_group_largest bigint[], p_hit int[]
) returns table (at int, used bigint, granted bigint, s timestamptz, e timestamptz, plan text, lot text, by_credits boolean)
language plpgsql rows 100 as $$
begin
  return query
  with asked as (
    select q.at::int as at, q.total, m.tenant_id, m.feature, m.used, m.granted, m.window_starts_at, m.window_ends_at, m.plan_version, m.overflow = 'credits'
        and m.overflow_cost = 1 and m.overflow_per_units = 1 as to_credits
    from unnest(p_group_tenants, p_group_features, p_group_totals, p_group_largest) with ordinality q(tenant, feature, total, largest, at)
    join meters m on m.tenant_id = q.tenant and m.feature = q.feature
    where (p_hit is null or q.at <> all (p_hit)) and m.kind = 'meter' and m.blocked_reason is null and p_now < gate_fast_until(m) and m.used >= m.granted
      and q.largest <= m.request_cap and (m.window_cap is null or m.used + m.beyond + q.total <= m.window_cap)
      and not exists (select from holds h where h.tenant_id = m.tenant_id and h.feature = m.feature and h.status = 'open' and h.expires_at <= p_now)
  ), first as (
    select a.*, l.id, l.unit from asked a cross join lateral (
      select o.id, o.unit, o.remaining from (
        (select x.id, x.unit, x.remaining from lots x
           where x.tenant_id = a.tenant_id and x.unit = a.feature and x.closed_at is null and x.starts_at <= p_now and (x.expires_at is null or x.expires_at > p_now)
           order by x.priority, x.expires_at nulls last, x.starts_at, x.id limit 1)
        union all
        (select x.id, x.unit, x.remaining from lots x
           where a.to_credits and x.tenant_id = a.tenant_id and x.unit = 'credits' and x.closed_at is null and x.starts_at <= p_now and (x.expires_at is null or x.expires_at > p_now)
           order by x.priority, x.expires_at nulls last, x.starts_at, x.id limit 1)) o
      limit 1) l
    where l.remaining >= a.total
  ), paid as (
    -- Credits are shared by a tenant's meters: the WHERE settles that race.
    update lots l set remaining = l.remaining - f.total, closed_at = case when l.remaining = f.total then p_now end
    from first f where l.tenant_id = f.tenant_id and l.id = f.id and l.remaining >= f.total
    returning f.*
  ), counted as (
    update meters m set beyond = m.beyond + p.total from paid p where m.tenant_id = p.tenant_id and m.feature = p.feature
  )
  select p.at, p.used, p.granted, p.window_starts_at, p.window_ends_at, p.plan_version, p.id, p.unit = 'credits' from paid p;
end $$;

-- The calls of a batch whose group was not served together (p_served is null for it), one by one: their answers by position.
create function gate_others(
  p_now timestamptz, p_group_tenants text[], p_group_features text[], p_served bigint[], p_groups int[], p_units bigint[], p_keys text[],
  p_ids text[], p_actors text[], p_properties text[], p_breakdowns text[]
) returns json language plpgsql as $$
declare
  j int;
  v_others json[] := '{}';
begin
  for j in 1..cardinality(p_groups) loop
    continue when p_served[p_groups[j]] is not null;
    v_others := v_others || json_build_object('at', j, 'answer', gate_row_of(gate_one(p_now, p_group_tenants[p_groups[j]], p_group_features[p_groups[j]],
      p_units[j], p_keys[j], p_ids[j], p_actors[j], p_properties[j]::jsonb, p_breakdowns[j]::jsonb, false, false)));
  end loop;
  return array_to_json(v_others);
end $$;
