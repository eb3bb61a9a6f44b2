-- Taking a charge back. What goes back goes to where it came from: see give-back.sql, and holds.sql for what is answered.

-- Takes back a consume, or what a hold was committed for, wholly (p_units null) or in part, once per key.
create function gate_refund(
  p_now timestamptz, p_tenant text, p_entry text, p_units bigint, p_key text, p_id text, p_actor text, p_reason text, p_regrant boolean
) returns setof gate_settled language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  e entries;
  m meters;
  a gate_answer;
  v_root text;
  v_open bigint;
  v_lapsed bigint;
  v_hash bigint;
begin
  perform gate_same_tenant(array[p_tenant]);
  select * into e from entries where tenant_id = p_tenant and id = p_entry;
  if not found then return next gate_no_settlement('not_found', null); return; end if;
  v_root := case when e.operation in ('consume', 'hold') then e.id when e.operation = 'commit' then e.parent_id end;
  select * into m from meters where tenant_id = p_tenant and feature = e.feature and kind = 'meter';
  if v_root is null or not found then return next gate_no_settlement('not_refundable', e.feature); return; end if;
  v_hash := gate_hash('refund', v_root, coalesce(p_units, -1), null);
  perform gate_lock(p_tenant, e.feature);
  a := gate_stored(p_tenant, p_key, v_hash);
  if a.status = 'replayed' then return next gate_settlement(p_tenant, a.entry_id, 'replayed'); return; end if;
  if a.status is not null then return next gate_no_settlement(a.status, e.feature); return; end if;
  perform gate_settle(p_now, p_tenant, e.feature, p_id, p_actor);
  select coalesce(sum(case x.operation when 'consume' then x.units when 'commit' then x.units - x.uncharged_units when 'refund' then -x.units else 0 end), 0)
    into v_open from gate_whole_chain(p_tenant, v_root) x;
  if v_open <= 0 or coalesce(p_units, v_open) > v_open then
    return next gate_no_settlement(case
      when v_open > 0 then 'too_much'
      when exists (select from holds h where h.tenant_id = p_tenant and h.id = v_root and h.status <> 'committed') then 'not_charged'
      else 'nothing_left' end, e.feature);
    return;
  end if;
  if not gate_claim(p_tenant, p_key, p_id, v_hash) then return next gate_no_settlement('conflict', e.feature); return; end if;
  v_lapsed := gate_return(p_now, p_tenant, e.feature, v_root, coalesce(p_units, v_open), 'refund', coalesce(p_units, v_open), p_key, p_id, p_actor, null, p_reason);
  if p_regrant and v_lapsed > 0 then perform gate_regrant(p_now, p_tenant, e.feature, v_lapsed, p_id, p_actor); end if;
  return next gate_settlement(p_tenant, p_id, 'refunded');
end $$;

-- Lapsed units once more, as a lot that does not outlive the running window: nothing that expires becomes permanent.
create function gate_regrant(p_now timestamptz, p_tenant text, p_feature text, p_units bigint, p_id text, p_actor text) returns void language plpgsql as $$
declare
  v_lot constant text := 'lot_' || substr(p_id, 5);
begin
  insert into lots (tenant_id, id, unit, kind, granted, remaining, starts_at, expires_at, priority, source, created_at)
    select p_tenant, v_lot, p_feature, 'adjustment', p_units, p_units, p_now, m.window_ends_at, 50, 'refund:' || p_id, p_now
    from meters m where m.tenant_id = p_tenant and m.feature = p_feature;
  insert into entries (tenant_id, id, parent_id, idempotency_key, operation, feature, units, actor, properties, created_at)
    values (p_tenant, left(p_id, -1) || '-x', null, 'grant:refund:' || p_id, 'grant', p_feature, p_units, p_actor,
            jsonb_build_object('lotId', v_lot, 'kind', 'adjustment'), p_now);
end $$;
