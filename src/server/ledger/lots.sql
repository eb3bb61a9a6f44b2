-- What happens to a lot besides draws: it expires and is written off, and its entries say so. Internal, like decide.sql.

-- An id for a row that is written along with p_id's own, sorting right after it, and after those that were made before: a
-- balance that runs along the ids never spends what comes only later. For a row that comes first: p_id less its last character.
create function gate_beside(p_id text) returns text language sql volatile as $$
  select p_id || '-' || lpad(to_hex((extract(epoch from clock_timestamp()) * 1000000)::bigint & 1099511627775), 10, '0') || left(md5(gen_random_uuid()::text), 2)
$$;

-- Locks a tenant's lots of one unit, in draw order: those that are live, and those of p_more that are not. Returns which: a lot that
-- somebody gives back to meanwhile is none of them.
create function gate_lock_unit(p_tenant text, p_unit text, p_more text[] default '{}') returns text[] language plpgsql as $$
begin
  return array(select id from lots where tenant_id = p_tenant and unit = p_unit and (closed_at is null or id = any (p_more))
    order by priority, expires_at nulls last, starts_at, id for no key update);
end $$;

-- An entry that moves lots of one unit and leaves every meter alone. p_owed: what is owed from now on, or below zero no more.
create function gate_write_lots(
  p_now timestamptz, p_tenant text, p_id text, p_parent text, p_operation text, p_unit text, p_lots text[], p_draws bigint[], p_owed bigint,
  p_actor text, p_reason text, p_properties jsonb
) returns void language plpgsql as $$
declare
  v_net constant bigint := (select coalesce(sum(n), 0) from unnest(p_draws) n);
begin
  insert into entries (tenant_id, id, parent_id, operation, feature, units, lot_units, credits, uncharged_units, lot_ids, lot_draws, reason, actor, properties, created_at)
    values (p_tenant, gate_beside(p_id), p_parent, p_operation, p_unit, abs(v_net + p_owed), case when p_unit = 'credits' then 0 else v_net end,
            case when p_unit = 'credits' then v_net else 0 end, p_owed, nullif(p_lots, '{}'), nullif(p_draws, '{}'), p_reason, p_actor, p_properties, p_now);
end $$;

-- What expired lots of one unit have left is written off, an entry for each: once, and again should units come back to one.
-- Returns how many units. Housekeeping: nobody could spend them since the instant they expired.
create function gate_write_off(p_now timestamptz, p_tenant text, p_unit text, p_id text, p_actor text) returns bigint language plpgsql as $$
declare
  l record;
  v_all bigint := 0;
  v_locked text[];
begin
  if not exists (select from lots where tenant_id = p_tenant and unit = p_unit and closed_at is null and expires_at <= p_now) then return 0; end if;
  v_locked := gate_lock_unit(p_tenant, p_unit);
  for l in
    select id, remaining, kind from lots where tenant_id = p_tenant and id = any (v_locked) and closed_at is null and expires_at <= p_now
    order by priority, expires_at, starts_at, id
  loop
    update lots set remaining = 0, written_off = written_off + l.remaining, closed_at = p_now where tenant_id = p_tenant and id = l.id;
    perform gate_write_lots(p_now, p_tenant, p_id, null, 'expire', p_unit, array[l.id], array[l.remaining], 0, p_actor, 'expired',
                            jsonb_build_object('lotId', l.id, 'kind', l.kind));
    v_all := v_all + l.remaining;
  end loop;
  return v_all;
end $$;

-- The same for every unit of a tenant. Called by the app: lazily by reads, and by cron.
create function gate_write_off_all(p_now timestamptz, p_tenant text, p_id text, p_actor text) returns bigint
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  v_unit text;
  v_units bigint;
  v_all bigint := 0;
begin
  perform gate_same_tenant(array[p_tenant]);
  for v_unit in
    select unit from lots where tenant_id = p_tenant and closed_at is null and expires_at <= p_now group by unit order by unit = 'credits', unit
  loop
    v_units := gate_write_off(p_now, p_tenant, v_unit, p_id, p_actor);
    if v_unit = 'credits' and v_units > 0 then perform credit_watch(p_now, p_tenant, p_id); end if;
    v_all := v_all + v_units;
  end loop;
  return v_all;
end $$;
