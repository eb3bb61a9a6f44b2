-- The ledger's walls and storage. Functions that draw are in gate.sql.
select open_wall_for_gate(t) from unnest(array['meters', 'lots', 'entries', 'idempotency_keys', 'holds', 'leases', 'debts', 'outbox']) t;
select make_append_only(t) from unnest(array['entries', 'idempotency_keys']) t;
alter table meters set (fillfactor = 75);
alter table lots set (fillfactor = 75);

-- The rules of a meter's policy. Not CHECKs, which would be parsed on every draw, nor a BEFORE trigger, which would lock the
-- row on every draw: a fast draw changes `used` only, which does not fire this.
drop trigger if exists meters_policy on meters;
drop trigger if exists meters_window_cap on meters;
drop function if exists meters_keep_policy();
create or replace function meters_demand_policy() returns trigger language plpgsql set search_path = pg_catalog as $$
declare
  c_most constant bigint := 9007199254740991;
begin
  if new.granted not between 0 and c_most or new.allowance not between 0 and c_most then
    raise exception 'meter %: allowance and granted are whole units from 0 to 2^53 - 1', new.feature using errcode = 'check_violation';
  end if;
  if new.overflow_cost < 1 or new.overflow_per_units < 1 or new.request_cap < 1 or new.spend_cap_minor < 0 then
    raise exception 'meter %: a rate or cap is out of range', new.feature using errcode = 'check_violation';
  end if;
  if (new.kind = 'meter') <> (new.window_unit is not null and new.window_ends_at is not null) then
    raise exception 'meter %: a meter has a window, a level or lease has none', new.feature using errcode = 'check_violation';
  end if;
  if new.overflow = 'overage' and new.on_limit <> 'block' then
    raise exception 'meter %: what is billed as overage stops at its cap', new.feature using errcode = 'check_violation';
  end if;
  return null;
end $$;
create or replace trigger meters_demand_policy
  after insert or update of kind, allowance, granted, window_unit, window_ends_at, overflow, on_limit, overflow_cost, overflow_per_units,
    request_cap, spend_cap_minor on meters
  for each row execute function meters_demand_policy();
-- Rows from before thresholds were kept get theirs now.
update meters set alerted = case when used >= granted then 100 else 80 end
  where granted > 0 and used * 5 >= granted * 4 and alerted < case when used >= granted then 100 else 80 end;
