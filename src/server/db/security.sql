-- Applied after every migration, so a table added later gets its wall too. Idempotent.

-- The wall of one tenant table: only rows of the tenant that the transaction is narrowed to, for its owner too.
create or replace function build_tenant_wall(p_table text) returns void
language plpgsql set search_path = pg_catalog, public as $$
begin
  execute format('alter table public.%I enable row level security', p_table);
  execute format('alter table public.%I force row level security', p_table);
  execute format('drop policy if exists tenant_wall on public.%I', p_table);
  -- The sub-select makes the setting an init plan: read once a statement, not once a row.
  execute format(
    'create policy tenant_wall on public.%I using (tenant_id = (select current_setting(''app.tenant_id'', true)))'
    || ' with check (tenant_id = (select current_setting(''app.tenant_id'', true)))', p_table);
end $$;
revoke all on function build_tenant_wall(text) from public;

do $$
declare
  t record;
  app_roles constant text[] := array['tollgate_app', 'tollgate_gate'];
  r text;
begin
  foreach r in array app_roles loop
    if not exists (select 1 from pg_roles where rolname = r) then
      execute format('create role %I nologin', r);
    end if;
    -- Who makes a role may not use it yet, since PostgreSQL 16: its member it is, but without its privileges.
    if not pg_has_role(current_user, r, 'usage') then
      execute format('grant %I to %I', r, current_user);
    end if;
  end loop;

  grant usage on schema public to tollgate_app, tollgate_gate;
  -- A function's owner must be allowed to create in its schema; nobody can log in as tollgate_gate.
  grant create on schema public to tollgate_gate;

  for t in
    select c.oid, c.relname,
           exists (select 1 from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped) as of_tenant
    from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
    order by c.relname
  loop
    execute format('revoke all on public.%I from public', t.relname);
    execute format('grant select, insert, update, delete on public.%I to tollgate_app', t.relname);
    if t.of_tenant then
      perform build_tenant_wall(t.relname::text);
    end if;
  end loop;
end $$;

-- Lets the gate's own role past the wall of one table. Called by the slices that the gate works on.
create or replace function open_wall_for_gate(p_table text) returns void
language plpgsql set search_path = pg_catalog, public as $$
begin
  execute format('drop policy if exists gate_passes on public.%I', p_table);
  execute format('create policy gate_passes on public.%I to tollgate_gate using (true) with check (true)', p_table);
  execute format('grant select, insert, update, delete on public.%I to tollgate_gate', p_table);
end $$;
revoke all on function open_wall_for_gate(text) from public;

-- Refuses to change or delete a row, whoever asks.
create or replace function refuse_change() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end $$;

create or replace function make_append_only(p_table text) returns void
language plpgsql set search_path = pg_catalog, public as $$
begin
  execute format('revoke update, delete on public.%I from tollgate_app', p_table);
  execute format('create or replace trigger append_only before update or delete on public.%I for each row execute function refuse_change()', p_table);
end $$;
revoke all on function make_append_only(text) from public;
