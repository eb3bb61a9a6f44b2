-- What goes back of a charge or a hold goes to where it came from, from the end of the draw: a lot's units to that very lot,
-- which stays expired when it is; allowance to its window, and when that is closed it lapses.

-- A chain: a consume or hold, and what settled or refunded it. Ids begin with their time, so older months need not be asked;
-- a day's grace, since the server that settles may have another clock than the one that drew.
create function gate_whole_chain(p_tenant text, p_root text) returns setof entries language sql stable as $$
  select e.* from entries e where e.tenant_id = p_tenant and e.id = p_root
  union all
  select e.* from entries e
  where e.tenant_id = p_tenant and e.parent_id = p_root and e.id > ledger_entry_bound(ledger_time_of(p_root) - interval '1 day')
$$;

-- p_live: what of it counts in the running window, else what doesn't.
create function gate_chain(p_tenant text, p_root text, p_carried_from timestamptz, p_live boolean) returns setof entries
language sql stable as $$
  select e.* from gate_whole_chain(p_tenant, p_root) e where (e.window_starts_at >= p_carried_from) = p_live
$$;

-- The lots of one unit that a chain still draws on, last drawn first, up to p_wanted: what goes back to each, below zero.
create function gate_lots_back(p_tenant text, p_root text, p_carried_from timestamptz, p_live boolean, p_unit text, p_wanted bigint)
returns table (lot_id text, n bigint) language sql stable as $$
  select x.lot_id, -least(x.net, p_wanted - x.earlier)::bigint from (
    select d.lot_id, sum(d.n) as net, coalesce(sum(sum(d.n)) over (order by max(d.place) filter (where d.n > 0) desc rows between unbounded preceding and 1 preceding), 0) as earlier
    from (select q.lot_id, q.n, row_number() over (order by e.id, q.at) as place
          from gate_chain(p_tenant, p_root, p_carried_from, p_live) e, unnest(e.lot_ids, e.lot_draws) with ordinality q(lot_id, n, at)) d
    join lots l on l.tenant_id = p_tenant and l.id = d.lot_id and l.unit = p_unit
    group by d.lot_id having sum(d.n) > 0) x
  where x.earlier < p_wanted
$$;

-- What giving back up to p_units of a chain moves, all below zero: what nothing covered, then credits, own lots, allowance.
create function gate_back(p_tenant text, p_feature text, p_root text, p_live boolean, p_units bigint) returns gate_answer language plpgsql as $$
declare
  m meters;
  c record;
  a gate_answer;
  v_left bigint := p_units;
  v_by_credits bigint;
  v_stay bigint;
begin
  select * into m from meters where tenant_id = p_tenant and feature = p_feature;
  select coalesce(sum(allowance_units), 0)::bigint as allowance, coalesce(sum(beyond_units), 0)::bigint as beyond, coalesce(sum(over_units), 0)::bigint as over,
         coalesce(sum(lot_units), 0)::bigint as lots, coalesce(sum(credits), 0)::bigint as credits, max(window_starts_at) as starts_at, max(window_ends_at) as ends_at,
         bool_and(plan_version = m.plan_version) filter (where credits > 0) as same_rate
    into c from gate_chain(p_tenant, p_root, m.carried_from, p_live);
  a.over_units := -least(v_left, c.over); v_left := v_left + a.over_units;
  v_by_credits := least(v_left, c.beyond - c.lots - c.over); v_left := v_left - v_by_credits;
  -- Whole credits: what is owed for the units that stay is reckoned anew, and only the rest goes back. At the rate that was paid:
  -- the plan's, or when that has changed since, in proportion.
  v_stay := c.beyond - c.lots - c.over - v_by_credits;
  a.credits := case when v_by_credits = 0 then 0
    when c.same_rate then -(c.credits - least(c.credits, ceil(v_stay::numeric * m.overflow_cost / m.overflow_per_units)::bigint))
    else -(c.credits - ceil(v_stay::numeric * c.credits / (v_stay + v_by_credits))::bigint) end;
  a.lot_units := -least(v_left, c.lots); v_left := v_left + a.lot_units;
  a.allowance_units := -least(v_left, c.allowance);
  a.beyond_units := a.over_units - v_by_credits + a.lot_units;
  select array_agg(lot_id), array_agg(n) into a.lot_ids, a.lot_draws from (
    select * from gate_lots_back(p_tenant, p_root, m.carried_from, p_live, p_feature, -a.lot_units)
    union all
    select * from gate_lots_back(p_tenant, p_root, m.carried_from, p_live, 'credits', -a.credits)) q;
  a.status := 'returned'; a.missing := 0; a.plan_version := m.plan_version; a.used := m.used; a.granted := m.granted;
  -- A chain that is of no closed window is of the running one, also when nothing of it moves.
  a.starts_at := case when p_live or c.starts_at is null then m.window_starts_at else c.starts_at end;
  a.ends_at := case when p_live or c.starts_at is null then m.window_ends_at else c.ends_at end;
  return a;
end $$;

-- Draws lock the lots in this order, so what gives back to several does too, before it moves any.
create function gate_lock_lots(p_tenant text, p_lots text[]) returns void language plpgsql as $$
begin
  if p_lots is null then return; end if;
  perform 1 from lots where tenant_id = p_tenant and id = any (gate_with_payers(p_tenant, p_lots))
    order by unit = 'credits', priority, expires_at nulls last, starts_at, id for no key update;
end $$;

-- Of what goes back to lots (below zero), the units of the feature's own that nobody may spend any more. What
-- is owed of the lot is taken instead.
create function gate_expired(p_now timestamptz, p_tenant text, p_feature text, p_ids text[], p_draws bigint[]) returns bigint language sql stable as $$
  select coalesce(sum(greatest(-q.n - coalesce(d.amount, 0), 0)), 0)::bigint from unnest(p_ids, p_draws) q(id, n)
  join lots l on l.tenant_id = p_tenant and l.id = q.id and l.unit = p_feature and l.expires_at <= p_now
  left join debts d on d.tenant_id = l.tenant_id and d.lot_id = l.id
$$;

-- What an entry says of units that were given back to nothing.
create function gate_lapsed(p_units bigint) returns jsonb language sql immutable as $$
  select case when p_units > 0 then jsonb_build_object('lapsed', p_units) end
$$;

-- Gives back p_units of a chain and writes it down as p_operation, in one entry, or in two when the chain reaches over the end of
-- a window. Returns how many units lapsed.
create function gate_return(
  p_now timestamptz, p_tenant text, p_feature text, p_root text, p_units bigint, p_operation text, p_entry_units bigint, p_key text, p_id text, p_actor text,
  p_breakdown jsonb, p_reason text
) returns bigint language plpgsql as $$
declare
  a gate_answer;
  v_live boolean;
  v_left bigint := p_units;
  v_gone bigint;
  v_lapsed bigint := 0;
  v_written boolean := false;
begin
  perform gate_lock_lots(p_tenant, (select array_agg(distinct q.id) from gate_whole_chain(p_tenant, p_root) e, unnest(e.lot_ids) q(id)));
  foreach v_live in array array[true, false] loop
    a := gate_back(p_tenant, p_feature, p_root, v_live, v_left);
    -- The last word on the chain is written in any case, also when nothing is left of it.
    continue when a.allowance_units + a.beyond_units = 0 and (v_live or v_written);
    v_left := v_left + a.allowance_units + a.beyond_units;
    v_gone := gate_expired(p_now, p_tenant, p_feature, a.lot_ids, a.lot_draws);
    if v_live then
      a := gate_apply(p_now, p_tenant, p_feature, p_id, a);
    else
      -- A closed window's meter has moved on: only the lots take their units back.
      v_gone := v_gone - a.allowance_units;
      perform gate_apply(p_now, p_tenant, p_feature, p_id, gate_to_lots(a.lot_ids, a.lot_draws));
    end if;
    if v_written then
      perform gate_write(p_now, p_tenant, left(p_id, -1) || '-c', p_root, null, 'release', p_feature, -(a.allowance_units + a.beyond_units), a, 0, p_actor, gate_lapsed(v_gone), null, p_operation);
    else
      perform gate_write(p_now, p_tenant, p_id, p_root, p_key, p_operation, p_feature, p_entry_units, a, 0, p_actor, gate_lapsed(v_gone), p_breakdown, p_reason);
    end if;
    v_written := true; v_lapsed := v_lapsed + v_gone;
  end loop;
  return v_lapsed;
end $$;

-- What moves lots and leaves the meter alone.
create function gate_to_lots(p_ids text[], p_draws bigint[]) returns gate_answer language plpgsql immutable as $$
declare
  a gate_answer;
begin
  a.allowance_units := 0; a.beyond_units := 0; a.over_units := 0; a.lot_ids := p_ids; a.lot_draws := p_draws;
  return a;
end $$;
