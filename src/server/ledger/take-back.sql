-- The money for a lot went back: its units are taken back, as many as are told, however often and in whatever order. Of a lot's
-- units that shall be back, those that remain are taken; what expired unused needs no taking; what was spent is owed.
-- Lock order here: meters (all of the tenant's, by the caller), lots in draw order, debts by id.

-- Those lots, and the lots that paid for what they owed: what comes back to the first may go on to the others.
create function gate_with_payers(p_tenant text, p_lots text[]) returns text[] language plpgsql stable as $$
declare
  v_all text[] := p_lots;
  v_more text[] := p_lots;
begin
  while v_more <> '{}' loop
    v_more := array(
      select distinct q.id from debts b join entries e on e.tenant_id = b.tenant_id and e.parent_id = b.id and e.operation = 'repay', unnest(e.lot_ids) q(id)
      where b.tenant_id = p_tenant and b.lot_id = any (v_more) and q.id <> all (v_all));
    v_all := v_all || v_more;
  end loop;
  return v_all;
end $$;

-- Units came back to lots of which more was spent than paid for. They are taken, before anybody can spend them: it comes to the
-- same as if they had come back before the money went. What other lots paid for them goes back to those. The caller holds the locks.
create function gate_pay_own_debts(p_now timestamptz, p_tenant text, p_lots text[], p_id text) returns void language plpgsql as $$
declare
  d record;
begin
  for d in
    select b.id, b.unit, b.lot_id, b.outstanding, least(b.amount, l.remaining) as n from debts b join lots l on l.tenant_id = b.tenant_id and l.id = b.lot_id
    where b.tenant_id = p_tenant and b.lot_id = any (p_lots) and b.amount > 0 and l.remaining > 0
    order by b.id for no key update of b
  loop
    perform gate_move_debt(p_now, p_tenant, d.lot_id, -d.n, -least(d.n, d.outstanding));
    update lots set remaining = remaining - d.n, taken_back = taken_back + d.n, closed_at = case when remaining = d.n then p_now end
      where tenant_id = p_tenant and id = d.lot_id;
    perform gate_write_lots(p_now, p_tenant, p_id, null, 'revoke', d.unit, array[d.lot_id], array[d.n], -d.n, 'system:debt', 'returned to a lot that owes',
                            jsonb_build_object('lotId', d.lot_id));
    if d.n > d.outstanding then perform gate_unpay(p_now, p_tenant, d.id, d.n - d.outstanding, p_id, 'system:debt', 'returned to the lot that owed'); end if;
  end loop;
end $$;

create function gate_move_debt(p_now timestamptz, p_tenant text, p_lot text, p_amount bigint, p_outstanding bigint) returns void language plpgsql as $$
begin
  update debts set amount = amount + p_amount, outstanding = outstanding + p_outstanding,
      created_at = case when outstanding = 0 and p_outstanding > 0 then p_now else created_at end,
      settled_at = case when outstanding + p_outstanding = 0 then coalesce(settled_at, p_now) end
    where tenant_id = p_tenant and lot_id = p_lot;
end $$;

-- A new lot first pays what the tenant owes of its unit, the oldest debt first. Returns how many units.
create function gate_repay_debts(p_now timestamptz, p_tenant text, p_lot text, p_id text, p_actor text) returns bigint
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  l lots;
  d record;
  n bigint;
  v_paid bigint := 0;
begin
  perform gate_same_tenant(array[p_tenant]);
  select * into l from lots where tenant_id = p_tenant and id = p_lot for no key update;
  -- Locked by id, as everywhere, and paid by age.
  for d in
    select x.id, x.lot_id, x.outstanding from (
      select * from debts where tenant_id = p_tenant and unit = l.unit and outstanding > 0 order by id for no key update) x order by x.created_at, x.id
  loop
    n := least(d.outstanding, l.remaining - v_paid);
    exit when n = 0;
    perform gate_move_debt(p_now, p_tenant, d.lot_id, 0, -n);
    perform gate_write_lots(p_now, p_tenant, p_id, d.id, 'repay', l.unit, array[p_lot], array[n], 0, p_actor, null, jsonb_build_object('lotId', p_lot, 'owedBy', d.lot_id));
    v_paid := v_paid + n;
  end loop;
  update lots set remaining = remaining - v_paid, repaid = repaid + v_paid, closed_at = case when remaining = v_paid then p_now end
    where tenant_id = p_tenant and id = p_lot and v_paid > 0;
  return v_paid;
end $$;

-- p_units that other lots paid of a debt go back to exactly those lots, the last payer first. The caller holds their locks.
create function gate_unpay(p_now timestamptz, p_tenant text, p_debt text, p_units bigint, p_id text, p_actor text, p_reason text) returns void
language plpgsql as $$
declare
  q record;
  n bigint;
  v_left bigint := p_units;
  v_unit text;
  v_lots text[] := '{}';
  v_draws bigint[] := '{}';
begin
  for q in
    select x.lot_id, sum(x.n)::bigint as paid from entries e, unnest(e.lot_ids, e.lot_draws) x(lot_id, n)
    where e.tenant_id = p_tenant and e.parent_id = p_debt and e.operation = 'repay'
    group by 1 having sum(x.n) > 0 order by max(e.id) filter (where x.n > 0) desc
  loop
    n := least(q.paid, v_left);
    exit when n = 0;
    update lots set remaining = remaining + n, repaid = repaid - n, closed_at = null where tenant_id = p_tenant and id = q.lot_id returning unit into v_unit;
    v_lots := v_lots || q.lot_id; v_draws := v_draws || -n; v_left := v_left - n;
  end loop;
  if v_left > 0 then raise exception 'debt %: % units were paid by nobody', p_debt, v_left using errcode = 'data_exception'; end if;
  perform gate_write_lots(p_now, p_tenant, p_id, p_debt, 'repay', v_unit, v_lots, v_draws, 0, p_actor, p_reason, null);
  perform gate_pay_own_debts(p_now, p_tenant, v_lots, p_id);
end $$;

-- More shall be back than is: p_taken of what remains, and p_owed as a debt, since it was used.
create function gate_take_more(p_now timestamptz, p_tenant text, l lots, p_taken bigint, p_owed bigint, p_id text, p_actor text, p_reason text) returns void
language plpgsql as $$
begin
  update lots set remaining = remaining - p_taken, taken_back = taken_back + p_taken, closed_at = case when remaining = p_taken then coalesce(closed_at, p_now) end
    where tenant_id = p_tenant and id = l.id;
  if p_owed > 0 then
    insert into debts (tenant_id, id, unit, lot_id, amount, outstanding, created_at, settled_at)
      values (p_tenant, 'deb_' || substr(p_id, 5), l.unit, l.id, 0, 0, p_now, p_now) on conflict (tenant_id, lot_id) do nothing;
    perform gate_move_debt(p_now, p_tenant, l.id, p_owed, p_owed);
  end if;
  perform gate_write_lots(p_now, p_tenant, p_id, null, 'revoke', l.unit, case when p_taken > 0 then array[l.id] end, case when p_taken > 0 then array[p_taken] end,
                          p_owed, p_actor, p_reason, jsonb_build_object('lotId', l.id));
end $$;

-- Less shall be back than is: p_forgiven is owed for it no more, and p_given goes back to the lot.
create function gate_give_back(
  p_now timestamptz, p_tenant text, l lots, d debts, p_given bigint, p_forgiven bigint, p_id text, p_actor text, p_reason text
) returns void language plpgsql as $$
declare
  v_unpaid constant bigint := least(p_forgiven, coalesce(d.outstanding, 0));
begin
  perform gate_move_debt(p_now, p_tenant, l.id, -p_forgiven, -v_unpaid);
  if p_given > 0 then
    update lots set remaining = remaining + p_given, taken_back = taken_back - p_given, closed_at = null where tenant_id = p_tenant and id = l.id;
  end if;
  perform gate_write_lots(p_now, p_tenant, p_id, null, 'revoke', l.unit, case when p_given > 0 then array[l.id] end, case when p_given > 0 then array[-p_given] end,
                          -p_forgiven, p_actor, p_reason, jsonb_build_object('lotId', l.id));
  if p_forgiven > v_unpaid then perform gate_unpay(p_now, p_tenant, d.id, p_forgiven - v_unpaid, p_id, p_actor, p_reason); end if;
end $$;

-- Makes p_target the units of the lot made by p_source that are back, or owed. Told again it changes nothing. Answers with the
-- lot as it is then: taken, still owed, and forgiven, since they expired unused. The caller holds the tenant's meters.
create function gate_take_back(p_now timestamptz, p_tenant text, p_source text, p_target bigint, p_id text, p_actor text, p_reason text)
returns table (status text, taken bigint, owed bigint, forgiven bigint)
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  l lots;
  d debts;
  v_owes bigint;
  v_more_taken bigint;
  v_more_owed bigint;
begin
  perform gate_same_tenant(array[p_tenant]);
  select * into l from lots where tenant_id = p_tenant and source = p_source;
  if not found then status := 'not_found'; return next; return; end if;
  if p_target not between 0 and l.granted then status := 'out_of_range'; return next; return; end if;
  perform gate_lock_unit(p_tenant, l.unit, gate_with_payers(p_tenant, array[l.id]));
  perform gate_write_off(p_now, p_tenant, l.unit, p_id, p_actor);
  select * into l from lots where tenant_id = p_tenant and id = l.id;
  select * into d from debts where tenant_id = p_tenant and lot_id = l.id for no key update;
  -- Owed is what was used beyond what is still paid for, in whatever order things happened. What expired unused is neither.
  v_owes := greatest(p_target - l.remaining - l.taken_back - l.written_off, 0);
  v_more_owed := v_owes - coalesce(d.amount, 0);
  v_more_taken := least(greatest(l.taken_back, p_target - v_owes - l.written_off), p_target - v_owes) - l.taken_back;
  if v_more_taken > 0 or v_more_owed > 0 then
    perform gate_take_more(p_now, p_tenant, l, v_more_taken, v_more_owed, p_id, p_actor, p_reason);
  elsif v_more_taken < 0 or v_more_owed < 0 then
    perform gate_give_back(p_now, p_tenant, l, d, -v_more_taken, -v_more_owed, p_id, p_actor, p_reason);
    perform gate_write_off(p_now, p_tenant, l.unit, p_id, p_actor);
  end if;
  if l.unit = 'credits' then perform credit_watch(p_now, p_tenant, p_id); end if;
  select 'done', x.taken_back, coalesce(b.outstanding, 0), greatest(p_target - x.taken_back - coalesce(b.amount, 0), 0) into status, taken, owed, forgiven
    from lots x left join debts b on b.tenant_id = x.tenant_id and b.lot_id = x.id where x.tenant_id = p_tenant and x.id = l.id;
  return next;
end $$;
