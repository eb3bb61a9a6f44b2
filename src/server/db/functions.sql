-- Applied last. Nobody may call a function of ours but by what is said here: the app calls the SECURITY DEFINER
-- ones, which run as tollgate_gate; the rest are theirs to use.
do $$
declare
  f record;
begin
  for f in
    select p.oid::regprocedure as signature, p.prosecdef
    from pg_proc p
    where p.pronamespace = 'public'::regnamespace
      and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
  loop
    execute format('revoke all on function %s from public', f.signature);
    execute format('grant execute on function %s to tollgate_gate', f.signature);
    continue when not f.prosecdef;
    execute format('alter function %s owner to tollgate_gate', f.signature);
    execute format('grant execute on function %s to tollgate_app', f.signature);
  end loop;
end $$;
grant execute on function ledger_period_at(timestamptz, text, timestamptz, text) to tollgate_app;
