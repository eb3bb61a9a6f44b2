-- What time does to a meter: an override ends, a window closes and the next one opens. Internal, like decide.sql.

create function gate_window_key(p_feature text, p_starts_at timestamptz) returns text
language sql immutable as $$
  select 'window:' || p_feature || ':' || to_char(p_starts_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

-- Keeps unused allowance as a lot, up to the meter's ceiling and until its own expiry. Returns how much was kept.
create function gate_roll_over(p_now timestamptz, p_id text, p_actor text, m meters) returns bigint language plpgsql as $$
declare
  v_unused constant bigint := m.granted - m.used;
  v_source constant text := 'rollover:' || substr(gate_window_key(m.feature, m.window_starts_at), 8);
  v_lot constant text := 'lot_' || left(substr(p_id, 5), -1) || '-r';
  v_expires_at timestamptz := m.window_ends_at;
  v_kept bigint;
  v_lots text[];
begin
  if m.rollover_cap is null or v_unused <= 0 then return 0; end if;
  for i in 1..m.rollover_windows loop
    select ends_at into v_expires_at from ledger_period_at(v_expires_at, m.window_unit, m.anchor_at, m.time_zone);
  end loop;
  if v_expires_at <= p_now then return 0; end if;
  -- The lots are locked before they are counted: a hold may be giving back to one of them.
  v_lots := gate_lock_unit(m.tenant_id, m.feature);
  select least(v_unused, m.rollover_cap - coalesce(sum(remaining), 0)) into v_kept
    from lots where tenant_id = m.tenant_id and id = any (v_lots) and kind = 'rollover' and expires_at > p_now;
  if v_kept <= 0 then return 0; end if;
  insert into lots (tenant_id, id, unit, kind, granted, remaining, starts_at, expires_at, priority, source, created_at)
    values (m.tenant_id, v_lot, m.feature, 'rollover', v_kept, v_kept, m.window_ends_at, v_expires_at, 5, v_source, p_now)
    on conflict (tenant_id, source) do nothing;
  if not found then return 0; end if;
  insert into entries (tenant_id, id, idempotency_key, operation, feature, units, plan_version, actor, properties, created_at)
    values (m.tenant_id, left(p_id, -1) || '-r', 'grant:' || v_source, 'grant', m.feature, v_kept, m.plan_version, p_actor,
            jsonb_build_object('lotId', v_lot, 'kind', 'rollover'), p_now);
  return v_kept;
end $$;

-- Closes a window that is over and opens the one that holds p_now: what is left is kept as a lot or forfeited, the allowance
-- granted once, however many windows went by unused and however many callers notice. The caller holds the meter's lock.
create function gate_roll(p_now timestamptz, p_tenant text, p_feature text, p_id text, p_actor text) returns boolean
language plpgsql as $$
declare
  m meters;
  v_period record;
  v_kept bigint;
begin
  select * into m from meters where tenant_id = p_tenant and feature = p_feature;
  if m.window_ends_at is null or p_now < m.window_ends_at then return false; end if;
  select * into v_period from ledger_period_at(p_now, m.window_unit, m.anchor_at, m.time_zone);
  v_period.starts_at := greatest(v_period.starts_at, m.window_ends_at);
  if m.granted > m.used then
    v_kept := gate_roll_over(p_now, p_id, p_actor, m);
    insert into entries (tenant_id, id, idempotency_key, operation, feature, units, lot_units, used_after, granted_after, window_starts_at, window_ends_at, plan_version, actor, created_at)
      values (p_tenant, left(p_id, -1) || '-f', gate_window_key(p_feature, m.window_starts_at) || ':forfeit', 'forfeit', p_feature,
              m.granted - m.used - v_kept, -v_kept, m.used, m.granted, m.window_starts_at, m.window_ends_at, m.plan_version, p_actor, p_now);
  end if;
  insert into entries (tenant_id, id, idempotency_key, operation, feature, units, used_after, granted_after, window_starts_at, window_ends_at, plan_version, actor, created_at)
    values (p_tenant, left(p_id, -1) || '-g', gate_window_key(p_feature, v_period.starts_at), 'grant', p_feature,
            coalesce(m.allowance, 0), 0, m.allowance, v_period.starts_at, v_period.ends_at, m.plan_version, p_actor, p_now);
  update meters set used = 0, beyond = 0, over = 0, alerted = 0, granted = allowance, carried_from = v_period.starts_at,
      window_starts_at = v_period.starts_at, window_ends_at = v_period.ends_at
    where tenant_id = p_tenant and feature = p_feature;
  return true;
end $$;

-- Brings a meter up to p_now: an override that is over ends, in its place among the windows, a due window rolls, and the credits
-- that it overflows to are refilled when they are due.
-- The caller holds the meter's lock. Time that steps back changes nothing.
create function gate_settle(p_now timestamptz, p_tenant text, p_feature text, p_id text, p_actor text) returns boolean
language plpgsql as $$
declare
  m meters;
  v_running boolean;
  v_let_in bigint := 0;
begin
  select * into m from meters where tenant_id = p_tenant and feature = p_feature;
  if not found or p_now < gate_fast_until(m) then return false; end if;
  if p_now >= m.override_ends_at then
    -- In a window that was over by then, the override held to its end, and only the next one is the plan's again.
    v_running := m.override_ends_at < coalesce(m.window_ends_at, 'infinity');
    -- Places of a level that the override left outside are still held: the plan's limit counts them where it has room.
    if m.kind = 'level' then v_let_in := greatest(least(m.over, coalesce(m.plan_allowance, 9007199254740991) - m.used), 0); end if;
    update meters set allowance = plan_allowance, override_ends_at = null, used = used + v_let_in, beyond = beyond - v_let_in, over = over - v_let_in,
        granted = case when v_running then plan_allowance else granted end,
        alerted = case when v_running then gate_reached(m.used + v_let_in, m.plan_allowance) else alerted end
      where tenant_id = p_tenant and feature = p_feature;
    if v_running then
      insert into entries (tenant_id, id, idempotency_key, operation, feature, units, allowance_units, beyond_units, over_units, used_after, granted_after,
                           window_starts_at, window_ends_at, plan_version, reason, actor, created_at)
        values (p_tenant, left(p_id, -1) || '-a', 'override:' || p_feature || ':' || p_id, 'adjust', p_feature, coalesce(m.plan_allowance, 0), v_let_in, -v_let_in, -v_let_in,
                m.used + v_let_in, m.plan_allowance, m.window_starts_at, m.window_ends_at, m.plan_version, 'override ended', p_actor, p_now);
    end if;
  end if;
  perform gate_roll(p_now, p_tenant, p_feature, p_id, p_actor);
  if p_now >= m.refill_at then
    update meters set refill_at = credit_refill(p_now, p_tenant, p_id, p_actor) where tenant_id = p_tenant and feature = p_feature;
  end if;
  return true;
end $$;
