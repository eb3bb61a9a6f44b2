-- The ledger's walls and storage. Functions that draw are in gate.sql.
select open_wall_for_gate(t) from unnest(array['meters', 'lots', 'entries', 'idempotency_keys', 'holds', 'leases', 'outbox']) t;
select make_append_only(t) from unnest(array['entries', 'idempotency_keys']) t;
alter table meters set (fillfactor = 75);
alter table lots set (fillfactor = 75);

-- The rules of a meter's policy, and what follows from it for the fast path. Not CHECKs: those would be parsed on
-- every draw, and a fast draw changes `used` only, which does not fire this.
create or replace function meters_keep_policy() returns trigger language plpgsql set search_path = pg_catalog as $$
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
  new.fast_limit := case
    when new.blocked_reason is not null or new.kind = 'lease' then -1
    else least(coalesce(new.granted, c_most), new.window_cap - new.beyond,
               case when new.granted > 0 and new.alerted < 80 then (new.granted * 80 + 99) / 100 - 1
                    when new.granted > 0 and new.alerted < 100 then new.granted - 1 end) end;
  new.fast_until := least(new.window_ends_at, new.override_ends_at, timestamptz '9999-12-31');
  return new;
end $$;
create or replace trigger meters_policy
  before insert or update of kind, allowance, granted, window_unit, window_starts_at, window_ends_at, overflow, on_limit, overflow_cost,
    overflow_per_units, request_cap, window_cap, spend_cap_minor, override_ends_at, blocked_reason, alerted on meters
  for each row execute function meters_keep_policy();
-- What lies past the allowance matters to the fast path only where a whole window has a ceiling.
create or replace trigger meters_window_cap before update of beyond on meters
  for each row when (new.window_cap is not null) execute function meters_keep_policy();
-- Rows from before these columns were kept get them now.
update meters set alerted = case when granted > 0 and used >= granted then 100 when granted > 0 and used * 5 >= granted * 4 then 80 else 0 end
  where fast_until = 'epoch';
