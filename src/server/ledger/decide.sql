-- The exact path: what a call may draw, everything considered. Internal; gate.sql is what the app calls.
-- Ids of rows written on the way sort just before the call's own: they share all but its last character.

-- Functions and types are made anew each time: a changed signature must not leave its old form behind.
drop function if exists gate_consume(timestamptz, text[], text[], bigint[], text[], text[], text[], text[]);
drop function if exists gate_check(timestamptz, text, text, bigint);
drop function if exists gate_release(timestamptz, text, text, bigint, text, text, text, text);
drop function if exists gate_decide(timestamptz, text, text, bigint, boolean, text, text);
drop function if exists gate_single(timestamptz, text, text, bigint, text, text, text, jsonb);
drop function if exists gate_one(timestamptz, text, text, bigint, text, text, text, jsonb);
drop function if exists gate_stored(text, text, text, text, bigint, jsonb);
drop function if exists gate_row_of(int, gate_answer);
drop type if exists gate_row;
drop type if exists gate_answer;

-- One decision and its receipt.
create type gate_answer as (
  status text, reason text, entry_id text, used bigint, granted bigint, missing bigint, starts_at timestamptz, ends_at timestamptz,
  allowance_units bigint, lot_units bigint, credits bigint, crossed smallint, plan_version text, lot_ids text[], lot_draws bigint[]
);

-- The same as it leaves the database: with the number of the call in its batch, and instants as milliseconds.
create type gate_row as (
  call_no int, status text, reason text, entry_id text, used bigint, granted bigint, missing bigint, starts_ms bigint, ends_ms bigint,
  allowance_units bigint, lot_units bigint, credits bigint, crossed smallint, plan_version text, lot_ids text[], lot_draws bigint[]
);

create function gate_row_of(p_call_no int, a gate_answer) returns gate_row language sql immutable as $$
  select row(p_call_no, a.status, a.reason, a.entry_id, a.used, a.granted, a.missing, (extract(epoch from a.starts_at) * 1000)::bigint,
    (extract(epoch from a.ends_at) * 1000)::bigint, a.allowance_units, a.lot_units, a.credits, a.crossed, a.plan_version, a.lot_ids, a.lot_draws)::gate_row
$$;

-- The lots of one unit that cover p_wanted, in the one draw order; v_short is what they don't cover.
create or replace function gate_pick_lots(
  p_now timestamptz, p_tenant text, p_unit text, p_wanted bigint, p_lock boolean,
  out lot_ids text[], out lot_units bigint[], out short bigint
) language plpgsql as $$
declare
  l record;
  v_take bigint;
begin
  lot_ids := '{}'; lot_units := '{}'; short := p_wanted;
  if p_wanted = 0 then return; end if;
  if p_lock then
    perform 1 from lots
      where tenant_id = p_tenant and unit = p_unit and closed_at is null
      order by priority, expires_at nulls last, starts_at, id
      for no key update;
  end if;
  for l in
    select id, remaining from lots
    where tenant_id = p_tenant and unit = p_unit and closed_at is null
      and starts_at <= p_now and (expires_at is null or expires_at > p_now)
    order by priority, expires_at nulls last, starts_at, id
  loop
    v_take := least(l.remaining, short);
    lot_ids := lot_ids || l.id; lot_units := lot_units || v_take; short := short - v_take;
    exit when short = 0;
  end loop;
end $$;

create or replace function gate_window_key(p_feature text, p_starts_at timestamptz) returns text
language sql immutable as $$
  select 'window:' || p_feature || ':' || to_char(p_starts_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

-- Closes a window that is over and opens the one that holds p_now: what is left is forfeited, the allowance granted
-- once, however many windows went by unused and however many callers notice. The caller holds the meter's lock.
create or replace function gate_roll(p_now timestamptz, p_tenant text, p_feature text, p_id text, p_actor text) returns boolean
language plpgsql as $$
declare
  m meters;
  v_period record;
begin
  select * into m from meters where tenant_id = p_tenant and feature = p_feature;
  if m.window_ends_at is null or p_now < m.window_ends_at then return false; end if;
  select * into v_period from ledger_period_at(p_now, m.window_unit, m.anchor_at, m.time_zone);
  v_period.starts_at := greatest(v_period.starts_at, m.window_ends_at);
  if m.granted > m.used then
    insert into entries (tenant_id, id, idempotency_key, operation, feature, units, used_after, granted_after, window_starts_at, window_ends_at, plan_version, actor, created_at)
      values (p_tenant, left(p_id, -1) || '-f', gate_window_key(p_feature, m.window_starts_at) || ':forfeit', 'forfeit', p_feature,
              m.granted - m.used, m.used, m.granted, m.window_starts_at, m.window_ends_at, m.plan_version, p_actor, p_now)
      on conflict (tenant_id, idempotency_key) do nothing;
  end if;
  insert into entries (tenant_id, id, idempotency_key, operation, feature, units, used_after, granted_after, window_starts_at, window_ends_at, plan_version, actor, created_at)
    values (p_tenant, left(p_id, -1) || '-g', gate_window_key(p_feature, v_period.starts_at), 'grant', p_feature,
            coalesce(m.allowance, 0), 0, m.allowance, v_period.starts_at, v_period.ends_at, m.plan_version, p_actor, p_now)
    on conflict (tenant_id, idempotency_key) do nothing;
  update meters set used = 0, granted = allowance, window_starts_at = v_period.starts_at, window_ends_at = v_period.ends_at
    where tenant_id = p_tenant and feature = p_feature;
  return true;
end $$;

-- One event per window and threshold, in the transaction that crossed it. Returns the highest one crossed.
create or replace function gate_thresholds(
  p_now timestamptz, p_tenant text, p_feature text, p_id text, p_before bigint, p_after bigint, p_granted bigint, p_window timestamptz
) returns smallint language plpgsql as $$
declare
  v_percent int;
  v_crossed smallint;
begin
  if coalesce(p_granted, 0) = 0 then return null; end if;
  foreach v_percent in array array[80, 100] loop
    continue when p_after * 100 < p_granted * v_percent or p_before * 100 >= p_granted * v_percent;
    v_crossed := v_percent;
    insert into outbox (tenant_id, id, fact, type, payload, created_at)
      values (p_tenant, 'msg_' || left(substr(p_id, 5), -1) || '-' || v_percent,
              'quota.threshold:' || gate_window_key(p_feature, p_window) || ':' || v_percent, 'quota.threshold',
              jsonb_build_object('feature', p_feature, 'percent', v_percent, 'used', p_after, 'limit', p_granted, 'windowStartsAt', p_window), p_now)
      on conflict (tenant_id, fact) do nothing;
  end loop;
  return v_crossed;
end $$;

-- What a meter row would answer for p_units, with everything considered. Locks and rolls only when p_dry is false
-- (the caller then holds the meter's lock); writes neither a draw nor an entry.
create function gate_decide(
  p_now timestamptz, p_tenant text, p_feature text, p_units bigint, p_dry boolean, p_id text, p_actor text
) returns gate_answer language plpgsql as $$
declare
  m meters;
  a gate_answer;
  v_short bigint;
  v_credits_short bigint := 0;
  v_ids text[];
  v_units bigint[];
begin
  if not p_dry then perform gate_roll(p_now, p_tenant, p_feature, p_id, p_actor); end if;
  select * into m from meters where tenant_id = p_tenant and feature = p_feature;
  if not found then a.status := 'denied'; a.reason := 'not_in_plan'; a.missing := p_units; return a; end if;
  if p_now >= m.window_ends_at then
    m.used := 0; m.granted := m.allowance;
    select greatest(starts_at, m.window_ends_at), ends_at into m.window_starts_at, m.window_ends_at
      from ledger_period_at(p_now, m.window_unit, m.anchor_at, m.time_zone);
  end if;
  a.used := m.used; a.granted := m.granted; a.plan_version := m.plan_version; a.starts_at := m.window_starts_at; a.ends_at := m.window_ends_at;
  a.allowance_units := 0; a.lot_units := 0; a.credits := 0; a.missing := p_units; a.status := 'denied';
  if m.blocked_reason is not null then a.reason := 'blocked:' || m.blocked_reason; return a; end if;

  a.allowance_units := least(p_units, greatest(coalesce(m.granted, 9007199254740991) - m.used, 0));
  v_short := p_units - a.allowance_units;
  if v_short > 0 and m.kind = 'meter' then
    select lot_ids, lot_units, v_short - short, short into a.lot_ids, a.lot_draws, a.lot_units, v_short
      from gate_pick_lots(p_now, p_tenant, p_feature, v_short, not p_dry);
    if v_short > 0 and m.overflow = 'credits' then
      a.credits := ceil(v_short::numeric * m.overflow_credits / m.overflow_per_units);
      select lot_ids, lot_units, short into v_ids, v_units, v_credits_short
        from gate_pick_lots(p_now, p_tenant, 'credits', a.credits, not p_dry);
      a.lot_ids := a.lot_ids || v_ids; a.lot_draws := a.lot_draws || v_units;
      v_short := case when v_credits_short = 0 then 0
                      else v_short - floor((a.credits - v_credits_short)::numeric * m.overflow_per_units / m.overflow_credits) end;
    end if;
  end if;
  a.missing := v_short;
  if v_short > 0 then
    a.reason := 'quota'; a.allowance_units := 0; a.lot_units := 0; a.credits := 0; a.lot_ids := null; a.lot_draws := null;
    return a;
  end if;
  a.status := 'consumed'; a.used := m.used + a.allowance_units;
  return a;
end $$;

-- The stored receipt of a key, or a conflict when the key was used for something else. null: the key is new.
create function gate_stored(p_tenant text, p_key text, p_operation text, p_feature text, p_units bigint, p_properties jsonb)
returns gate_answer language plpgsql as $$
declare
  e entries;
  a gate_answer;
begin
  select * into e from entries where tenant_id = p_tenant and idempotency_key = p_key;
  if not found then return null; end if;
  if (e.operation, e.feature, e.units) <> (p_operation, p_feature, p_units) or e.properties is distinct from p_properties then
    a.status := 'conflict'; return a;
  end if;
  a.status := 'replayed'; a.entry_id := e.id; a.used := e.used_after; a.granted := e.granted_after; a.missing := 0;
  a.starts_at := e.window_starts_at; a.ends_at := e.window_ends_at; a.allowance_units := e.allowance_units; a.lot_units := e.lot_units;
  a.credits := e.credits; a.crossed := e.crossed; a.plan_version := e.plan_version;
  select array_agg(lot_id order by position), array_agg(units order by position) into a.lot_ids, a.lot_draws
    from draws where tenant_id = p_tenant and entry_id = e.id;
  return a;
end $$;

-- The exact path of one consume. The fast path in gate_consume is an optimisation of it, never another opinion.
create function gate_one(
  p_now timestamptz, p_tenant text, p_feature text, p_units bigint, p_key text, p_id text, p_actor text, p_properties jsonb
) returns gate_answer language plpgsql as $$
declare
  a gate_answer;
  v_id text;
begin
  perform 1 from meters where tenant_id = p_tenant and feature = p_feature for no key update;
  a := gate_stored(p_tenant, p_key, 'consume', p_feature, p_units, p_properties);
  if a.status is not null then return a; end if;
  a := gate_decide(p_now, p_tenant, p_feature, p_units, false, p_id, p_actor);
  if a.status <> 'consumed' then return a; end if;

  a.crossed := gate_thresholds(p_now, p_tenant, p_feature, p_id, a.used - a.allowance_units, a.used, a.granted, a.starts_at);
  insert into entries (tenant_id, id, idempotency_key, operation, feature, units, allowance_units, lot_units, credits, used_after, granted_after,
                       window_starts_at, window_ends_at, plan_version, crossed, actor, properties, created_at)
    values (p_tenant, p_id, p_key, 'consume', p_feature, p_units, a.allowance_units, a.lot_units, a.credits, a.used, a.granted,
            a.starts_at, a.ends_at, a.plan_version, a.crossed, p_actor, p_properties, p_now)
    on conflict (tenant_id, idempotency_key) do nothing
    returning id into v_id;
  -- The same key won on another meter meanwhile: nothing was drawn here yet, so its answer simply counts.
  if v_id is null then return gate_stored(p_tenant, p_key, 'consume', p_feature, p_units, p_properties); end if;

  a.entry_id := v_id;
  update meters set used = a.used where tenant_id = p_tenant and feature = p_feature and a.allowance_units > 0;
  if a.lot_ids is not null then
    update lots l set remaining = l.remaining - q.n, closed_at = case when l.remaining = q.n then p_now end
      from unnest(a.lot_ids, a.lot_draws) q(id, n) where l.tenant_id = p_tenant and l.id = q.id;
    insert into draws (tenant_id, entry_id, lot_id, position, units)
      select p_tenant, v_id, q.id, q.i, q.n from unnest(a.lot_ids, a.lot_draws) with ordinality q(id, n, i);
  end if;
  return a;
end $$;
