-- The ledger's walls and storage. Functions that draw are in gate.sql.
select open_wall_for_gate(t) from unnest(array['meters', 'lots', 'entries', 'draws', 'outbox']) t;
select make_append_only(t) from unnest(array['entries', 'draws']) t;
alter table meters set (fillfactor = 75);
alter table lots set (fillfactor = 75);

-- The rules of a meter's policy. Not CHECKs: those would be parsed on every draw, and a draw changes `used` only.
create or replace function meters_keep_policy() returns trigger language plpgsql set search_path = pg_catalog as $$
begin
  if new.granted not between 0 and 9007199254740991 or new.allowance not between 0 and 9007199254740991 then
    raise exception 'meter %: allowance and granted are whole units from 0 to 2^53 - 1', new.feature using errcode = 'check_violation';
  end if;
  if new.overflow_credits < 1 or new.overflow_per_units < 1 then
    raise exception 'meter %: an overflow rate is above 0', new.feature using errcode = 'check_violation';
  end if;
  if (new.kind = 'meter') <> (new.window_unit is not null and new.window_ends_at is not null) then
    raise exception 'meter %: a meter has a window, a level has none', new.feature using errcode = 'check_violation';
  end if;
  return new;
end $$;
create or replace trigger meters_policy
  before insert or update of kind, allowance, granted, window_unit, window_starts_at, window_ends_at, overflow_credits, overflow_per_units on meters
  for each row execute function meters_keep_policy();
