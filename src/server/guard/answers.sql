-- The walls of what the procedure middleware keeps; tables.ts says what it is.
select open_wall_for_gate('answers');

-- Cron's housekeeping, across tenants, in pages: the answers of calls before p_before are forgotten, their keys are not.
drop function if exists answers_forget(timestamptz, int);
create function answers_forget(p_before timestamptz, p_limit int) returns bigint
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  v_count bigint;
begin
  update answers a set answer = null
    from (select tenant_id, key from answers where answer is not null and answered_at < p_before limit p_limit for update skip locked) old
    where a.tenant_id = old.tenant_id and a.key = old.key;
  get diagnostics v_count = row_count;
  return v_count;
end $$;

-- Whoever got an answer was charged for it.
drop function if exists answers_books(timestamptz);
create function answers_books(p_now timestamptz) returns table (invariant text, tenant_id text, subject text, detail text)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select 'answer: its charge is made', a.tenant_id, a.key, format('hold %s is %s', h.id, h.status)
  from answers a join holds h on h.tenant_id = a.tenant_id and h.id = a.entry_id
  where a.answered_at is not null and h.status <> 'committed'
$$;
