-- The stored answer of a key, or a conflict; no row when the key is new. For what is refused before the gate is asked to draw.
create function gate_replay(
  p_tenant text, p_operation text, p_feature text, p_units bigint, p_key text, p_properties text, p_breakdown text
) returns setof gate_row language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  a gate_answer;
begin
  perform gate_same_tenant(array[p_tenant]);
  a := gate_stored(p_tenant, p_key, gate_hash(p_operation, p_feature, p_units, p_properties::jsonb, p_breakdown::jsonb));
  if a.status is not null then return next gate_row_of(a); end if;
end $$;
