-- The exact path: what a call may draw, everything considered. Internal; gate.sql and holds.sql are what the app calls.
-- Ids of rows written on the way sort just before the call's own: they share all but its last character.

-- Functions and types are made anew each time: a changed signature must not leave its old form behind.
do $$
declare
  f regprocedure;
begin
  for f in select p.oid::regprocedure from pg_proc p where p.pronamespace = 'public'::regnamespace and p.proname like 'gate\_%' loop
    execute format('drop function if exists %s cascade', f);
  end loop;
end $$;
drop type if exists gate_row, gate_answer, gate_batch, gate_paid cascade;

-- One decision and its receipt.
create type gate_answer as (
  status text, reason text, entry_id text, used bigint, granted bigint, missing bigint, starts_at timestamptz, ends_at timestamptz,
  allowance_units bigint, lot_units bigint, credits bigint, beyond_units bigint, over_units bigint, crossed smallint, plan_version text,
  lot_ids text[], lot_draws bigint[]
);

-- The same as it leaves the database: instants as milliseconds.
create type gate_row as (
  status text, reason text, entry_id text, used bigint, granted bigint, missing bigint, starts_ms bigint, ends_ms bigint,
  allowance_units bigint, lot_units bigint, credits bigint, beyond_units bigint, over_units bigint, crossed smallint, plan_version text,
  lot_ids text[], lot_draws bigint[]
);

create function gate_ms(p_at timestamptz) returns bigint language sql immutable as $$
  select (date_part('epoch', p_at) * 1000)::bigint
$$;

create function gate_row_of(a gate_answer) returns gate_row language sql immutable as $$
  select row(a.status, a.reason, a.entry_id, a.used, a.granted, a.missing, gate_ms(a.starts_at), gate_ms(a.ends_at), a.allowance_units, a.lot_units,
    a.credits, a.beyond_units, a.over_units, a.crossed, a.plan_version, a.lot_ids, a.lot_draws)::gate_row
$$;

-- The row to lock, always there once a tenant exists.
create function gate_lock(p_tenant text, p_feature text) returns void language plpgsql as $$
begin
  perform 1 from meters where tenant_id = p_tenant and feature = p_feature for no key update;
end $$;

-- The lots of one unit that cover p_wanted, in the one draw order; `short` is what they don't cover. A draw takes what it locked, and
-- locks what it takes: asked twice, it would also find a lot that somebody gave back to meanwhile and holds, earlier in the order.
create function gate_pick_lots(
  p_now timestamptz, p_tenant text, p_unit text, p_wanted bigint, p_lock boolean,
  out lot_ids text[], out lot_units bigint[], out short bigint
) language plpgsql as $$
declare
  v_lots refcursor;
  l record;
  v_take bigint;
begin
  lot_ids := '{}'; lot_units := '{}'; short := p_wanted;
  if p_wanted = 0 then return; end if;
  if p_lock then
    open v_lots for select id, remaining from lots
      where tenant_id = p_tenant and unit = p_unit and closed_at is null and starts_at <= p_now and (expires_at is null or expires_at > p_now)
      order by priority, expires_at nulls last, starts_at, id for no key update;
  else
    open v_lots for select id, remaining from lots
      where tenant_id = p_tenant and unit = p_unit and closed_at is null and starts_at <= p_now and (expires_at is null or expires_at > p_now)
      order by priority, expires_at nulls last, starts_at, id;
  end if;
  while short > 0 loop
    fetch v_lots into l;
    exit when not found;
    v_take := least(l.remaining, short);
    lot_ids := lot_ids || l.id; lot_units := lot_units || v_take; short := short - v_take;
  end loop;
  close v_lots;
end $$;

-- The highest threshold that `used` has reached.
create function gate_reached(p_used bigint, p_granted bigint) returns smallint language sql immutable as $$
  select (case when p_granted > 0 and p_used >= p_granted then 100 when p_granted > 0 and p_used * 5 >= p_granted * 4 then 80 else 0 end)::smallint
$$;

-- What m would answer for p_units of it. Locks lots unless p_dry; writes nothing.
create function gate_decide(
  p_now timestamptz, p_tenant text, p_feature text, p_units bigint, p_dry boolean, p_confirmed boolean
) returns gate_answer language plpgsql as $$
declare
  m meters;
  a gate_answer;
  v_short bigint;
  v_ids text[];
  v_units bigint[];
  v_credits_short bigint;
begin
  select * into m from meters where tenant_id = p_tenant and feature = p_feature;
  a.status := 'denied'; a.missing := p_units;
  -- A lease is not drawn but acquired; it may be asked about.
  if m.tenant_id is null or (m.kind = 'lease' and not p_dry) then a.reason := 'not_in_plan'; return a; end if;
  if m.kind = 'lease' then
    select count(*) into m.used from leases where tenant_id = p_tenant and feature = p_feature and ended_at is null and expires_at > p_now;
  end if;
  a.used := m.used; a.granted := m.granted; a.plan_version := m.plan_version; a.starts_at := m.window_starts_at; a.ends_at := m.window_ends_at;
  a.allowance_units := 0; a.lot_units := 0; a.credits := 0; a.beyond_units := 0; a.over_units := 0;
  if m.blocked_reason is not null then a.reason := 'blocked:' || m.blocked_reason; return a; end if;
  if p_units > m.request_cap then a.reason := 'request_cap'; a.missing := p_units - m.request_cap; return a; end if;
  if m.used + m.beyond + p_units > m.window_cap then a.reason := 'window_cap'; a.missing := m.used + m.beyond + p_units - m.window_cap; return a; end if;

  a.allowance_units := least(p_units, greatest(coalesce(m.granted, 9007199254740991) - m.used, 0));
  a.beyond_units := p_units - a.allowance_units;
  v_short := a.beyond_units; a.missing := v_short;
  if v_short > 0 and m.kind = 'meter' then
    select lot_ids, lot_units, v_short - short, short into a.lot_ids, a.lot_draws, a.lot_units, v_short
      from gate_pick_lots(p_now, p_tenant, p_feature, v_short, not p_dry);
    a.missing := v_short;
    if v_short > 0 and m.overflow = 'credits' then
      a.credits := ceil(v_short::numeric * m.overflow_cost / m.overflow_per_units);
      select lot_ids, lot_units, short into v_ids, v_units, v_credits_short
        from gate_pick_lots(p_now, p_tenant, 'credits', a.credits, not p_dry);
      if v_credits_short = 0 then
        a.lot_ids := a.lot_ids || v_ids; a.lot_draws := a.lot_draws || v_units; v_short := 0;
      else
        -- Credits are taken whole or not at all; what there is of them only shortens what is missing.
        a.missing := v_short - floor((a.credits - v_credits_short)::numeric * m.overflow_per_units / m.overflow_cost);
        a.credits := 0;
      end if;
    elsif v_short > 0 and m.overflow = 'overage' then
      if ceil((m.over + v_short)::numeric * m.overflow_cost / m.overflow_per_units) <= coalesce(m.spend_cap_minor, 9007199254740991) then
        a.over_units := v_short; v_short := 0;
      else
        a.reason := 'spend_cap';
        a.missing := m.over + v_short - floor(m.spend_cap_minor::numeric * m.overflow_per_units / m.overflow_cost);
      end if;
    end if;
  end if;
  if v_short > 0 then
    if m.on_limit = 'block' or m.granted = 0 then a.reason := coalesce(a.reason, case when m.kind = 'meter' and m.overflow = 'credits' then 'no_credits' else 'quota' end);
    elsif m.on_limit = 'prompt' and not p_confirmed then a.reason := 'confirm';
    else a.over_units := v_short; v_short := 0;
    end if;
  end if;
  if v_short > 0 then
    a.allowance_units := 0; a.lot_units := 0; a.credits := 0; a.beyond_units := 0; a.lot_ids := null; a.lot_draws := null;
    return a;
  end if;
  if cardinality(a.lot_ids) = 0 then a.lot_ids := null; a.lot_draws := null; end if;
  a.status := 'consumed'; a.used := m.used + a.allowance_units; a.missing := 0;
  return a;
end $$;

-- Moves the meter and the lots by what `a` draws (or, where below zero, gives back), and tells thresholds it crosses: one
-- event per window and threshold, in the transaction that crossed it. The caller holds the meter's lock.
create function gate_apply(p_now timestamptz, p_tenant text, p_feature text, p_id text, a gate_answer) returns gate_answer
language plpgsql as $$
declare
  m meters;
  v_percent smallint;
begin
  select * into m from meters where tenant_id = p_tenant and feature = p_feature;
  a.used := m.used + a.allowance_units; a.crossed := null;
  foreach v_percent in array array[80, 100]::smallint[] loop
    continue when m.alerted >= v_percent or gate_reached(a.used, m.granted) < v_percent;
    a.crossed := v_percent;
    insert into outbox (tenant_id, id, fact, type, payload, created_at)
      values (p_tenant, 'msg_' || left(substr(p_id, 5), -1) || '-' || v_percent,
              'quota.threshold:' || gate_window_key(p_feature, m.window_starts_at) || ':' || v_percent, 'quota.threshold',
              jsonb_build_object('feature', p_feature, 'percent', v_percent, 'used', a.used, 'limit', m.granted, 'windowStartsAt', m.window_starts_at), p_now)
      on conflict (tenant_id, fact) do nothing;
  end loop;
  -- The trigger on the policy's columns need not run for a draw that leaves them alone.
  if a.beyond_units <> 0 or a.over_units <> 0 or a.crossed is not null then
    update meters set used = a.used, beyond = beyond + a.beyond_units, over = over + a.over_units, alerted = coalesce(a.crossed, alerted)
      where tenant_id = p_tenant and feature = p_feature;
  elsif a.allowance_units <> 0 then
    update meters set used = a.used where tenant_id = p_tenant and feature = p_feature;
  end if;
  if a.lot_ids is not null then
    update lots l set remaining = l.remaining - q.n, closed_at = case when l.remaining = q.n then coalesce(l.closed_at, p_now) end
      from unnest(a.lot_ids, a.lot_draws) q(id, n) where l.tenant_id = p_tenant and l.id = q.id;
    if 0 > any (a.lot_draws) then perform gate_pay_own_debts(p_now, p_tenant, a.lot_ids, p_id); end if;
    -- null: what came back to lots, of whatever unit.
    if a.credits is distinct from 0 then perform credit_watch(p_now, p_tenant, p_id); end if;
  end if;
  return a;
end $$;

create function gate_write(
  p_now timestamptz, p_tenant text, p_id text, p_parent text, p_key text, p_operation text, p_feature text, p_units bigint, a gate_answer,
  p_uncharged bigint, p_actor text, p_properties jsonb, p_breakdown jsonb, p_reason text
) returns void language plpgsql as $$
begin
  insert into entries (tenant_id, id, parent_id, idempotency_key, operation, feature, units, allowance_units, lot_units, credits, beyond_units, over_units,
                       uncharged_units, lot_ids, lot_draws, used_after, granted_after, window_starts_at, window_ends_at, plan_version, crossed, reason,
                       actor, properties, breakdown, created_at)
    values (p_tenant, p_id, p_parent, p_key, p_operation, p_feature, p_units, coalesce(a.allowance_units, 0), coalesce(a.lot_units, 0), coalesce(a.credits, 0),
            coalesce(a.beyond_units, 0), coalesce(a.over_units, 0), p_uncharged, a.lot_ids, a.lot_draws, a.used, a.granted, a.starts_at, a.ends_at,
            a.plan_version, a.crossed, p_reason, p_actor, p_properties, p_breakdown, p_now);
end $$;

-- What makes two requests the same. For a feature that draws on a shared meter: its costs, not the units they came to, since
-- a plan change may rate the repeated request differently.
create function gate_hash(p_operation text, p_feature text, p_units bigint, p_properties jsonb, p_breakdown jsonb default null) returns bigint
language sql immutable as $$
  select hashtextextended(concat_ws('|', p_operation, coalesce(p_breakdown ->> 'feature', p_feature),
    coalesce(p_breakdown ->> 'asked', p_units::text), p_properties::text), 0)
$$;

-- false: the key was taken. Waits for a rival that is about to take it.
create function gate_claim(p_tenant text, p_key text, p_id text, p_hash bigint) returns boolean language plpgsql as $$
begin
  insert into idempotency_keys (tenant_id, key, entry_id, request_hash) values (p_tenant, p_key, p_id, p_hash) on conflict do nothing;
  return found;
end $$;

-- The stored receipt of a key, or a conflict when the key was used for something else. null: the key is new.
-- Of an archived entry only its id is known any more; it is a replay all the same.
create function gate_stored(p_tenant text, p_key text, p_hash bigint) returns gate_answer language plpgsql as $$
declare
  k idempotency_keys;
  e entries;
  a gate_answer;
begin
  select * into k from idempotency_keys where tenant_id = p_tenant and key = p_key;
  if not found then return null; end if;
  if k.request_hash <> p_hash then a.status := 'conflict'; return a; end if;
  select * into e from entries where tenant_id = p_tenant and id = k.entry_id;
  a.status := 'replayed'; a.entry_id := k.entry_id; a.used := e.used_after; a.granted := e.granted_after; a.missing := 0;
  a.starts_at := e.window_starts_at; a.ends_at := e.window_ends_at; a.allowance_units := e.allowance_units; a.lot_units := e.lot_units;
  a.credits := e.credits; a.beyond_units := e.beyond_units; a.over_units := e.over_units; a.crossed := e.crossed; a.plan_version := e.plan_version;
  a.lot_ids := e.lot_ids; a.lot_draws := e.lot_draws;
  return a;
end $$;

-- Nothing is drawn on a plan that is over: the app lets the tenant fall to what follows it, and asks again. Found before
-- anything is locked, since that fall locks the plan first.
create function gate_plan_over(p_now timestamptz, p_tenant text, p_feature text) returns gate_answer language plpgsql stable as $$
declare
  a gate_answer;
begin
  select 'denied', 'plan_over', m.used, m.granted, m.plan_version into a.status, a.reason, a.used, a.granted, a.plan_version
    from meters m where m.tenant_id = p_tenant and m.feature = p_feature and m.plan_ends_at <= p_now;
  return a;
end $$;

-- The exact path of one consume. The fast path in gate.sql is an optimisation of it, never another opinion.
create function gate_one(
  p_now timestamptz, p_tenant text, p_feature text, p_units bigint, p_key text, p_id text, p_actor text, p_properties jsonb,
  p_breakdown jsonb, p_confirmed boolean, p_keep_denial boolean
) returns gate_answer language plpgsql as $$
declare
  a gate_answer;
  v_hash constant bigint := gate_hash('consume', p_feature, p_units, p_properties, p_breakdown);
begin
  a := gate_plan_over(p_now, p_tenant, p_feature);
  if a.status is not null then return a; end if;
  perform gate_lock(p_tenant, p_feature);
  if p_key is not null then
    a := gate_stored(p_tenant, p_key, v_hash);
    if a.status is not null then return a; end if;
  end if;
  perform gate_settle(p_now, p_tenant, p_feature, p_id, p_actor);
  perform gate_sweep_for(p_now, p_tenant, p_feature, p_units, p_confirmed, p_id, p_actor);
  a := gate_decide(p_now, p_tenant, p_feature, p_units, false, p_confirmed);
  if a.status = 'denied' then
    if p_keep_denial then
      perform gate_write(p_now, p_tenant, p_id, null, null, 'deny', p_feature, p_units, a, 0, p_actor, p_properties, p_breakdown, a.reason);
      a.entry_id := p_id;
    end if;
    return a;
  end if;
  -- The same key may have won on another meter meanwhile: nothing was drawn here yet, so its answer simply counts.
  if p_key is not null and not gate_claim(p_tenant, p_key, p_id, v_hash) then return gate_stored(p_tenant, p_key, v_hash); end if;
  a := gate_apply(p_now, p_tenant, p_feature, p_id, a);
  a.entry_id := p_id;
  perform gate_write(p_now, p_tenant, p_id, null, p_key, 'consume', p_feature, p_units, a, 0, p_actor, p_properties, p_breakdown, null);
  return a;
end $$;
