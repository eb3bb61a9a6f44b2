-- Spends from a trial, once per key, all or nothing. Runs as tollgate_gate, like every function that the app may call.
grant select, update on trials to tollgate_gate;
grant select, insert on trial_spends to tollgate_gate;

drop function if exists trial_spend(timestamptz, text, text, bigint);
create function trial_spend(p_now timestamptz, p_trial text, p_key text, p_units bigint, out outcome text, out granted bigint, out remaining bigint)
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  t trials;
  s trial_spends;
begin
  -- The row is locked before the key is looked for, so that two calls with one key come one after the other.
  select * into t from trials where id = p_trial for no key update;
  if not found then outcome := 'unknown'; return; end if;
  granted := t.granted;
  remaining := t.remaining;
  select * into s from trial_spends where trial_id = p_trial and key = p_key;
  if found then
    outcome := case when s.units = p_units then 'replayed' else 'conflict' end;
    remaining := s.remaining_after;
    return;
  end if;
  if t.carried_over_at is not null or t.ends_at <= p_now then outcome := 'over'; remaining := 0; return; end if;
  if t.remaining < p_units then outcome := 'short'; return; end if;
  update trials set remaining = t.remaining - p_units where id = p_trial;
  insert into trial_spends (trial_id, key, units, remaining_after, created_at) values (p_trial, p_key, p_units, t.remaining - p_units, p_now);
  outcome := 'spent';
  remaining := t.remaining - p_units;
end $$;
