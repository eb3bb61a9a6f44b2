-- Sets a level to what was really counted, by an entry with the difference. The app holds the meter's lock since before it
-- counted (quota/recount.ts), so nobody took or gave back a place in between.
create function gate_recount(
  p_now timestamptz, p_tenant text, p_feature text, p_counted bigint, p_id text, p_actor text, p_reason text
) returns setof gate_row language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  m meters;
  a gate_answer;
  v_more bigint;
begin
  perform gate_same_tenant(array[p_tenant]);
  perform gate_lock(p_tenant, p_feature);
  select * into m from meters where tenant_id = p_tenant and feature = p_feature and kind = 'level';
  if not found then a.status := 'not_a_level'; return next gate_row_of(a); return; end if;
  v_more := p_counted - m.used - m.over;
  a.status := 'recounted'; a.used := m.used; a.granted := m.granted; a.starts_at := m.window_starts_at; a.plan_version := m.plan_version;
  -- As release gives back: those past the limit first. As a level that warns takes: what the limit has no room for is past it.
  a.allowance_units := case
    when v_more < 0 then least(v_more + m.over, 0)
    else least(v_more, greatest(coalesce(m.granted, 9007199254740991) - m.used, 0)) end;
  a.over_units := v_more - a.allowance_units; a.beyond_units := a.over_units;
  if v_more <> 0 then
    a.entry_id := p_id;
    a := gate_apply(p_now, p_tenant, p_feature, p_id, a);
    perform gate_write(p_now, p_tenant, p_id, null, null, 'adjust', p_feature, abs(v_more), a, 0, p_actor, null, null, p_reason);
  end if;
  return next gate_row_of(a);
end $$;
