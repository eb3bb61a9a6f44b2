-- Units set aside, settled and given back (see give-back.sql). Every transition is one compare-and-swap on the hold's status,
-- under the meter's lock. Called by the app like gate.sql.
drop type if exists gate_settled cascade;

-- What settling or refunding did. Below zero: given back. lapsed: given back to nothing, since its window or lot is over.
create type gate_settled as (
  status text, reason text, entry_id text, feature text, units bigint, charged bigint, uncharged bigint, allowance_units bigint, lot_units bigint,
  credits bigint, over_units bigint, lapsed bigint, used bigint, granted bigint, starts_ms bigint, ends_ms bigint, plan_version text, lot_ids text[], lot_draws bigint[]
);

-- Holds of one meter that are past their expiry give back what they keep, the oldest p_most of them: a call that needs their units
-- takes as many steps as it needs, and cron a transaction for each, so that neither waits for all there are. An open hold is a chain
-- of one entry, so what goes back is that entry, turned round. Returns how many. The caller holds the meter's lock. Looked up by key
-- only: a join of holds and entries would be planned without knowing how many are due.
create function gate_sweep_meter(p_now timestamptz, p_tenant text, p_feature text, p_id text, p_actor text, p_most int)
returns int language plpgsql as $$
declare
  m meters;
  a gate_answer;
  v_due constant text[] := array(
    select id from holds where tenant_id = p_tenant and feature = p_feature and status = 'open' and expires_at <= p_now order by expires_at, id limit p_most);
  v_lots text[];
  v_over text[];
  n int;
begin
  if v_due = '{}' then return 0; end if;
  select * into m from meters where tenant_id = p_tenant and feature = p_feature;
  update holds set status = 'expired', settled_at = p_now, settled_by = gate_swept_id(p_id, id)
    where tenant_id = p_tenant and id = any (v_due) and status = 'open';
  get diagnostics n = row_count;
  if n <> cardinality(v_due) then raise exception 'a rival settled a hold of % first', p_feature using errcode = 'serialization_failure'; end if;
  v_lots := array(select distinct q.id from gate_due_entries(p_tenant, v_due) e, unnest(e.lot_ids) q(id));
  v_over := array(select id from lots where tenant_id = p_tenant and id = any (v_lots) and unit = p_feature and expires_at <= p_now);
  perform gate_lock_lots(p_tenant, v_lots);
  with written as (
    insert into entries (tenant_id, id, parent_id, operation, feature, units, allowance_units, lot_units, credits, beyond_units, over_units, lot_ids, lot_draws,
                         used_after, granted_after, window_starts_at, window_ends_at, plan_version, reason, actor, properties, created_at)
      select p_tenant, gate_swept_id(p_id, e.id), e.id, 'release', p_feature, e.units, -e.allowance_units, -e.lot_units, -e.credits, -e.beyond_units, -e.over_units,
             back.ids, back.draws, m.used - coalesce(sum(e.allowance_units) filter (where s.live) over (order by e.id), 0), m.granted,
             case when s.live then m.window_starts_at else e.window_starts_at end, case when s.live then m.window_ends_at else e.window_ends_at end,
             m.plan_version, 'expired', p_actor, gate_lapsed(back.gone + case when s.live then 0 else e.allowance_units end), p_now
      from gate_due_entries(p_tenant, v_due) e, lateral (select e.window_starts_at >= m.carried_from as live) s, lateral (
        select array_agg(q.id order by q.at desc) as ids, array_agg(-q.n order by q.at desc) as draws,
               coalesce(sum(q.n) filter (where q.id = any (v_over)), 0)::bigint as gone
        from unnest(e.lot_ids, e.lot_draws) with ordinality q(id, n, at)) back
    returning allowance_units, beyond_units, over_units, lot_ids, lot_draws, window_starts_at >= m.carried_from as live
  ), by_lot as (
    select q.id, sum(q.n)::bigint as units from written w, unnest(w.lot_ids, w.lot_draws) q(id, n) group by 1
  )
  select coalesce(sum(w.allowance_units) filter (where w.live), 0), coalesce(sum(w.beyond_units) filter (where w.live), 0),
         coalesce(sum(w.over_units) filter (where w.live), 0), (select array_agg(l.id order by l.id) from by_lot l), (select array_agg(l.units order by l.id) from by_lot l)
    into a.allowance_units, a.beyond_units, a.over_units, a.lot_ids, a.lot_draws from written w;
  perform gate_apply(p_now, p_tenant, p_feature, p_id, a);
  return n;
end $$;

-- Before p_units are drawn: what abandoned holds keep back is free the instant they expire, with or without cron, so it is drawn before
-- anything is paid for. None while the allowance covers the call; else the oldest, and as many more as it takes. Asked without locks: a
-- hold's lots may come before those that a draw locks. The caller holds the meter's lock.
create function gate_sweep_for(p_now timestamptz, p_tenant text, p_feature text, p_units bigint, p_confirmed boolean, p_id text, p_actor text)
returns void language plpgsql as $$
declare
  a gate_answer;
  v_swept boolean := false;
begin
  while exists (select from holds where tenant_id = p_tenant and feature = p_feature and status = 'open' and expires_at <= p_now) loop
    a := gate_decide(p_now, p_tenant, p_feature, p_units, true, p_confirmed);
    exit when a.status <> 'denied' and (v_swept or a.beyond_units = 0);
    perform gate_sweep_meter(p_now, p_tenant, p_feature, p_id, p_actor, 500);
    v_swept := true;
  end loop;
end $$;

create function gate_swept_id(p_id text, p_hold text) returns text language sql immutable as $$
  select left(p_id, -1) || '-h' || substr(p_hold, 5)
$$;

create function gate_due_entries(p_tenant text, p_ids text[]) returns setof entries language plpgsql stable as $$
declare
  v_id text;
begin
  foreach v_id in array p_ids loop
    return query select * from entries where tenant_id = p_tenant and id = v_id;
  end loop;
end $$;

-- The compare-and-swap of giving a whole hold back. false: somebody settled it before.
create function gate_end_hold(p_now timestamptz, p_tenant text, h holds, p_status text, p_id text, p_actor text) returns boolean language plpgsql as $$
begin
  update holds set status = p_status, settled_at = p_now, settled_by = p_id where tenant_id = p_tenant and id = h.id and status = 'open';
  if not found then return false; end if;
  perform gate_return(p_now, p_tenant, h.feature, h.id, h.units, 'release', h.units, null, p_id, p_actor, null, p_status);
  return true;
end $$;

-- Sets units aside until p_expires_at: drawn like a consume, and settled by gate_commit or given back.
create function gate_reserve(
  p_now timestamptz, p_tenant text, p_feature text, p_units bigint, p_key text, p_id text, p_actor text, p_properties jsonb, p_breakdown jsonb,
  p_confirmed boolean, p_expires_at timestamptz, p_overflow text
) returns setof gate_row language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  a gate_answer;
  v_hash constant bigint := gate_hash('hold', p_feature, p_units, p_properties, p_breakdown);
begin
  perform gate_same_tenant(array[p_tenant]);
  a := gate_plan_over(p_now, p_tenant, p_feature);
  if a.status is not null then return next gate_row_of(a); return; end if;
  perform gate_lock(p_tenant, p_feature);
  if p_key is not null then
    a := gate_stored(p_tenant, p_key, v_hash);
    if a.status is not null then return next gate_row_of(a); return; end if;
  end if;
  perform gate_settle(p_now, p_tenant, p_feature, p_id, p_actor);
  perform gate_sweep_for(p_now, p_tenant, p_feature, p_units, p_confirmed, p_id, p_actor);
  a := gate_decide(p_now, p_tenant, p_feature, p_units, false, p_confirmed);
  if a.status = 'denied' then return next gate_row_of(a); return; end if;
  if p_key is not null and not gate_claim(p_tenant, p_key, p_id, v_hash) then
    return next gate_row_of(gate_stored(p_tenant, p_key, v_hash)); return;
  end if;
  a := gate_apply(p_now, p_tenant, p_feature, p_id, a);
  a.entry_id := p_id;
  perform gate_write(p_now, p_tenant, p_id, null, p_key, 'hold', p_feature, p_units, a, 0, p_actor, p_properties, p_breakdown, null);
  insert into holds (tenant_id, id, feature, units, status, overflow, expires_at, created_at)
    values (p_tenant, p_id, p_feature, p_units, 'open', p_overflow, p_expires_at, p_now);
  return next gate_row_of(a);
end $$;

-- What a commit above its hold may still draw, by the hold's policy. `missing` is what stays uncharged.
create function gate_decide_more(p_now timestamptz, p_tenant text, p_feature text, p_units bigint, p_overflow text) returns gate_answer language plpgsql as $$
declare
  a gate_answer := gate_decide(p_now, p_tenant, p_feature, p_units, false, false);
  v_reason constant text := a.reason;
  v_stopped constant boolean := a.reason like 'blocked:%' or a.reason = 'not_in_plan';
  v_fits bigint := p_units;
  v_past bigint;
begin
  -- Each denial says how much too much it was; another rule may then say the same, so a few rounds find what fits. By how much
  -- earlier commits went past the spend cap is not this one's: without overage, it still has what is left of the allowance.
  while a.status = 'denied' and v_fits > 0 loop
    select greatest(over - floor(spend_cap_minor::numeric * overflow_per_units / overflow_cost), 0) into v_past
      from meters where tenant_id = p_tenant and feature = p_feature and a.reason = 'spend_cap';
    v_fits := case when p_overflow = 'reject' or v_stopped then 0 else v_fits - a.missing + coalesce(v_past, 0) end;
    if v_fits > 0 then a := gate_decide(p_now, p_tenant, p_feature, v_fits, false, false); end if;
  end loop;
  if a.status = 'denied' then a.allowance_units := 0; a.lot_units := 0; a.credits := 0; a.beyond_units := 0; a.over_units := 0; v_fits := 0; end if;
  a.missing := p_units - v_fits; a.reason := v_reason;
  -- The work is done and nobody can be asked any more: what is over is written down as over.
  if p_overflow = 'overflow' and not v_stopped and a.missing > 0 then
    a.over_units := a.over_units + a.missing; a.beyond_units := a.beyond_units + a.missing; a.missing := 0; a.reason := null;
  end if;
  return a;
end $$;

-- Settles a hold on what was really used. Once: the same again is a replay, something else a conflict.
create function gate_commit(p_now timestamptz, p_tenant text, p_hold text, p_units bigint, p_id text, p_actor text, p_breakdown jsonb)
returns setof gate_settled language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  h holds;
  a gate_answer;
  v_held bigint;
begin
  perform gate_same_tenant(array[p_tenant]);
  select * into h from holds where tenant_id = p_tenant and id = p_hold;
  if not found then return next gate_no_settlement('not_found', null); return; end if;
  a := gate_plan_over(p_now, p_tenant, h.feature);
  if a.status is not null then return next gate_no_settlement('plan_over', h.feature); return; end if;
  perform gate_lock(p_tenant, h.feature);
  perform gate_settle(p_now, p_tenant, h.feature, p_id, p_actor);
  -- Read again under the lock: the sweeper or a rival may have been quicker.
  select * into h from holds where tenant_id = p_tenant and id = p_hold;
  if h.status = 'released' then return next gate_no_settlement('released', h.feature); return; end if;
  if h.status = 'committed' then
    return next gate_settled_as(p_tenant, h, p_units);
    return;
  end if;
  v_held := case when h.status = 'open' then h.units else 0 end;
  update holds set status = 'committed', settled_at = p_now, settled_by = p_id where tenant_id = p_tenant and id = p_hold and status = h.status;
  if not found then raise exception 'a rival settled hold % first', p_hold using errcode = 'serialization_failure'; end if;
  if p_units <= v_held then
    perform gate_return(p_now, p_tenant, h.feature, p_hold, v_held - p_units, 'commit', p_units, null, p_id, p_actor, p_breakdown, null);
  else
    perform gate_sweep_for(p_now, p_tenant, h.feature, p_units - v_held, false, p_id, p_actor);
    a := gate_decide_more(p_now, p_tenant, h.feature, p_units - v_held, h.overflow);
    a := gate_apply(p_now, p_tenant, h.feature, p_id, a);
    perform gate_write(p_now, p_tenant, p_id, p_hold, null, 'commit', h.feature, p_units, a, a.missing, p_actor, null, p_breakdown, a.reason);
  end if;
  return next gate_settlement(p_tenant, p_id, 'committed');
end $$;

-- Gives a hold back whole. Twice is once; what was committed stays so.
create function gate_release_hold(p_now timestamptz, p_tenant text, p_hold text, p_id text, p_actor text)
returns setof gate_settled language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  h holds;
begin
  perform gate_same_tenant(array[p_tenant]);
  select * into h from holds where tenant_id = p_tenant and id = p_hold;
  if not found then return next gate_no_settlement('not_found', null); return; end if;
  perform gate_lock(p_tenant, h.feature);
  perform gate_settle(p_now, p_tenant, h.feature, p_id, p_actor);
  if gate_end_hold(p_now, p_tenant, h, 'released', p_id, p_actor) then
    return next gate_settlement(p_tenant, p_id, 'released'); return;
  end if;
  select * into h from holds where tenant_id = p_tenant and id = p_hold;
  if h.status = 'committed' then return next gate_no_settlement('committed', h.feature); return; end if;
  return next gate_settlement(p_tenant, h.settled_by, 'replayed');
end $$;

create function gate_no_settlement(p_status text, p_feature text) returns gate_settled language sql immutable as $$
  select row(p_status, null, null, p_feature, 0, 0, 0, 0, 0, 0, 0, 0, 0, null, null, null, null, null, null)::gate_settled
$$;

-- An answer told from what was written, so that a replay says the same: one entry, or two that reach over the end of a window.
create function gate_settlement(p_tenant text, p_id text, p_status text) returns gate_settled language plpgsql as $$
declare
  e entries;
  x record;
begin
  select * into e from entries where tenant_id = p_tenant and id = p_id;
  if not found then return gate_no_settlement('archived', null); end if;
  select sum(q.allowance_units) as allowance, sum(q.lot_units) as lots, sum(q.credits) as credits, sum(q.over_units) as over,
         coalesce(sum((q.properties ->> 'lapsed')::bigint), 0) as lapsed
    into x from entries q where q.tenant_id = p_tenant and q.id in (p_id, left(p_id, -1) || '-c');
  select array_agg(id order by place), array_agg(n order by place) into e.lot_ids, e.lot_draws from (
    select l.id, sum(l.n)::bigint as n, min((q.id <> p_id)::int * 1000000 + l.at) as place
    from entries q, unnest(q.lot_ids, q.lot_draws) with ordinality l(id, n, at)
    where q.tenant_id = p_tenant and q.id in (p_id, left(p_id, -1) || '-c') group by 1) lots;
  return row(p_status, e.reason, e.id, e.feature, e.units, e.units - e.uncharged_units, e.uncharged_units, x.allowance, x.lots, x.credits, x.over,
             x.lapsed, e.used_after, e.granted_after, gate_ms(e.window_starts_at), gate_ms(e.window_ends_at), e.plan_version,
             e.lot_ids, e.lot_draws)::gate_settled;
end $$;

-- A commit that comes again: the stored answer for the same amount, a conflict for another.
create function gate_settled_as(p_tenant text, h holds, p_units bigint) returns gate_settled language plpgsql as $$
declare
  s gate_settled := gate_settlement(p_tenant, h.settled_by, 'replayed');
begin
  if s.status = 'replayed' and s.units <> p_units then return gate_no_settlement('conflict', h.feature); end if;
  return s;
end $$;

-- Cron's housekeeping: meters with holds past their expiry, across tenants, in pages.
create function gate_holds_due(p_now timestamptz, p_after_tenant text, p_after_feature text, p_limit int)
returns table (tenant_id text, feature text) language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select distinct h.tenant_id, h.feature collate "C" from holds h
  where h.status = 'open' and h.expires_at <= p_now and (h.tenant_id, h.feature collate "C") > (p_after_tenant, p_after_feature)
  order by 1, 2 limit p_limit
$$;

-- One step of it: who gets p_most back asks again.
create function gate_sweep(p_now timestamptz, p_tenant text, p_feature text, p_id text, p_actor text, p_most int) returns int
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  perform gate_same_tenant(array[p_tenant]);
  perform gate_lock(p_tenant, p_feature);
  perform gate_settle(p_now, p_tenant, p_feature, p_id, p_actor);
  return gate_sweep_meter(p_now, p_tenant, p_feature, p_id, p_actor, p_most);
end $$;
