-- Where the history that is still in the ledger begins: the first id that no month has been archived from, and its instant.
-- '' and null when none were.
create or replace function credits_history_begins(out bound text, out at timestamptz)
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  bound := ledger_archived_before();
  at := ledger_time_of(nullif(bound, ''));
end $$;
