-- The gate: every draw on allowance, lots and credits happens in these functions, each in one round trip.
-- They run as tollgate_gate (nobody can log in as it), because one batch may carry calls of several tenants.
-- Only the SECURITY DEFINER functions are called from outside; they fix the search_path for the others.
-- Lock order: meter rows by (tenant, feature), then replenishments, holds, lots in draw order, debts, credit accounts. All paths
-- keep it, so batches never deadlock.
-- decide.sql holds the exact path, which everything here falls back to; window.sql what time does to a meter.

-- What a meter's `used` may reach, and until when, without asking the exact path. No columns: a stored generated column is parsed for
-- each statement, and one kept by a BEFORE trigger locks each row twice. Written into the statements that use them as they are planned.
create function gate_fast_limit(m meters) returns bigint language sql immutable as $$
  select least(coalesce(m.granted, 9007199254740991), m.window_cap - m.beyond,
    case when m.blocked_reason is not null or m.kind = 'lease' then -1 when m.alerted < 80 then (m.granted * 4 - 1) / 5 when m.alerted < 100 then m.granted - 1 end)
$$;
create function gate_fast_until(m meters) returns timestamptz language sql immutable as $$
  select least(m.window_ends_at, m.override_ends_at, m.plan_ends_at, m.refill_at, 'infinity'::timestamptz)
$$;

-- Refuses a call for another tenant than the one the open transaction is narrowed to.
create function gate_same_tenant(p_tenants text[]) returns void language plpgsql as $$
declare
  v_tenant constant text := current_setting('app.tenant_id', true);
begin
  if v_tenant <> '' and v_tenant <> any (p_tenants) then
    raise exception 'the transaction belongs to another tenant' using errcode = 'insufficient_privilege';
  end if;
end $$;

-- One call alone. The fast path first: one UPDATE whose WHERE settles the race, one INSERT. When the key turns out to be
-- taken, the units go back under the row's own lock and the exact path answers. No calls of other functions on the way: each
-- costs as much as the INSERT. Answers with an array when the allowance served it, of what the meter's row says; with a gate_row else.
create function gate_consume_one(
  p_now timestamptz, p_tenant text, p_feature text, p_units bigint, p_key text, p_id text, p_actor text, p_properties text,
  p_breakdown text, p_confirmed boolean, p_keep_denial boolean
) returns json language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  v_used bigint;
  v_granted bigint;
  v_starts timestamptz;
  v_ends timestamptz;
  v_plan text;
  v_mine boolean := true;
begin
  if nullif(current_setting('app.tenant_id', true), '') <> p_tenant then perform gate_same_tenant(array[p_tenant]); end if;
  update meters b set used = b.used + p_units
    where b.tenant_id = p_tenant and b.feature = p_feature
      and b.used + p_units <= gate_fast_limit(b) and p_now < gate_fast_until(b) and p_units <= b.request_cap
    returning b.used, b.granted, b.window_starts_at, b.window_ends_at, b.plan_version into v_used, v_granted, v_starts, v_ends, v_plan;
  if found then
    if p_key is not null then
      v_mine := gate_claim(p_tenant, p_key, p_id, gate_hash('consume', p_feature, p_units, p_properties::jsonb, p_breakdown::jsonb));
    end if;
    if v_mine then
      insert into entries (tenant_id, id, idempotency_key, operation, feature, units, allowance_units, used_after, granted_after,
                           window_starts_at, window_ends_at, plan_version, actor, properties, breakdown, created_at)
        values (p_tenant, p_id, p_key, 'consume', p_feature, p_units, p_units, v_used, v_granted,
                v_starts, v_ends, v_plan, p_actor, p_properties::jsonb, p_breakdown::jsonb, p_now);
      return json_build_array(v_used, v_granted, date_part('epoch', v_starts), date_part('epoch', v_ends), v_plan);
    end if;
    update meters b set used = b.used - p_units where b.tenant_id = p_tenant and b.feature = p_feature;
  end if;
  return to_json(gate_row_of(gate_one(p_now, p_tenant, p_feature, p_units, p_key, p_id, p_actor, p_properties::jsonb, p_breakdown::jsonb,
                                      p_confirmed, p_keep_denial)));
end $$;

-- The same decision without the write: what time would do is done, asked, and undone.
create function gate_check(p_now timestamptz, p_tenant text, p_feature text, p_units bigint, p_id text, p_actor text, p_confirmed boolean)
returns setof gate_row language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  a gate_answer;
begin
  perform gate_same_tenant(array[p_tenant]);
  a := gate_plan_over(p_now, p_tenant, p_feature);
  if a.status is not null then return next gate_row_of(a); return; end if;
  if not exists (select from meters m where tenant_id = p_tenant and feature = p_feature and p_now >= gate_fast_until(m)) then
    a := gate_decide(p_now, p_tenant, p_feature, p_units, true, p_confirmed);
  end if;
  if a.status is null or ((a.status = 'denied' or a.beyond_units > 0) and exists (
      select from holds where tenant_id = p_tenant and feature = p_feature and status = 'open' and expires_at <= p_now)) then
    begin
      perform gate_lock(p_tenant, p_feature);
      perform gate_settle(p_now, p_tenant, p_feature, p_id, p_actor);
      perform gate_sweep_for(p_now, p_tenant, p_feature, p_units, p_confirmed, p_id, p_actor);
      a := gate_decide(p_now, p_tenant, p_feature, p_units, true, p_confirmed);
      raise exception 'only asked' using errcode = 'QK002';
    exception when sqlstate 'QK002' then null;
    end;
  end if;
  return next gate_row_of(a);
end $$;

-- Gives back units of a level (a channel was removed, a seat freed): those past the limit first. Never below zero held.
create function gate_release(
  p_now timestamptz, p_tenant text, p_feature text, p_units bigint, p_key text, p_id text, p_actor text, p_properties text
) returns setof gate_row language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  m meters;
  a gate_answer;
  v_hash constant bigint := gate_hash('release', p_feature, p_units, p_properties::jsonb);
begin
  perform gate_same_tenant(array[p_tenant]);
  perform gate_lock(p_tenant, p_feature);
  perform gate_settle(p_now, p_tenant, p_feature, p_id, p_actor);
  select * into m from meters where tenant_id = p_tenant and feature = p_feature and kind = 'level';
  if not found then a.status := 'not_a_level'; return next gate_row_of(a); return; end if;
  a := gate_stored(p_tenant, p_key, v_hash);
  if a.status is not null then return next gate_row_of(a); return; end if;
  a.used := m.used; a.granted := m.granted;
  if m.used + m.over < p_units then a.status := 'not_held'; return next gate_row_of(a); return; end if;
  if not gate_claim(p_tenant, p_key, p_id, v_hash) then a.status := 'conflict'; return next gate_row_of(a); return; end if;
  a.status := 'released'; a.entry_id := p_id; a.starts_at := m.window_starts_at; a.plan_version := m.plan_version;
  a.over_units := -least(m.over, p_units); a.beyond_units := a.over_units; a.allowance_units := -(p_units + a.over_units);
  a := gate_apply(p_now, p_tenant, p_feature, p_id, a);
  perform gate_write(p_now, p_tenant, p_id, null, p_key, 'release', p_feature, p_units, a, 0, p_actor, p_properties::jsonb, null, null);
  return next gate_row_of(a);
end $$;

-- Cron's housekeeping: meters whose window or override is over, across tenants, in pages. Both are lazy and exact anyway.
create function gate_due(p_now timestamptz, p_after_tenant text, p_after_feature text, p_limit int)
returns table (tenant_id text, feature text) language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select b.tenant_id, b.feature from meters b
  where (b.tenant_id, b.feature) > (p_after_tenant, p_after_feature) and gate_fast_until(b) <= p_now
  order by b.tenant_id, b.feature limit p_limit
$$;

-- Brings one meter up to date. Safe late, twice, or never.
create function gate_settle_due(p_now timestamptz, p_tenant text, p_feature text, p_id text, p_actor text) returns boolean
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  perform gate_same_tenant(array[p_tenant]);
  perform gate_lock(p_tenant, p_feature);
  return gate_settle(p_now, p_tenant, p_feature, p_id, p_actor);
end $$;
