/** One rule about the database, told from Postgres' own catalog, so it holds for every table added later. */
export interface CatalogRule {
  name: string;
  /** Selects one text column, `breach`: a row for everything that breaks the rule. `$1` is the app's login. */
  breaches: string;
  /** Each breaks the rule in another way. Run as the owner and rolled back. */
  bad: string[];
}

const TABLES = `
  tables as (
    select c.oid, c.relname, c.relowner, c.relrowsecurity, c.relforcerowsecurity,
           (select a.attnum from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped) as tenant
    from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p'))`;
/** A tenant table as it must be; each bad sample leaves one thing out. */
const WALL = "using (tenant_id = (select current_setting('app.tenant_id', true)))";
const tenantTable = (name: string, columns = "primary key (tenant_id, id)") =>
  `create table ${name} (tenant_id text not null, id text not null, ${columns});`;

const DEFINER =
  "create function bad() returns int language sql security definer set search_path = pg_catalog, pg_temp as 'select 1';";

const tableRules: CatalogRule[] = [
  {
    name: "tenant_id is NOT NULL text, and every tenant table has a primary key",
    breaches: `with ${TABLES}
      select format('%s.tenant_id', t.relname) as breach from tables t join pg_attribute a on a.attrelid = t.oid and a.attnum = t.tenant
      where not a.attnotnull or a.atttypid <> 'text'::regtype
      union all
      select t.relname from tables t
      where t.tenant is not null and not exists (select from pg_index i where i.indrelid = t.oid and i.indisprimary)`,
    bad: [
      "create table bad (tenant_id text, id text not null, unique (tenant_id, id));",
      "create table bad (tenant_id uuid primary key);",
      "create table bad (tenant_id text not null);",
    ],
  },
  {
    name: "tenant_id comes first in every primary key, unique and index",
    breaches: `with ${TABLES}
      select i.indexrelid::regclass::text as breach from tables t join pg_index i on i.indrelid = t.oid
      where t.tenant is not null and i.indkey[0] <> t.tenant`,
    bad: [
      `${tenantTable("bad")} create index bad_by_id on bad (id);`,
      tenantTable("bad", "primary key (id, tenant_id)"),
    ],
  },
  {
    name: "a reference between tenant tables carries tenant_id, first",
    breaches: `with ${TABLES}
      select k.conname || ' on ' || a.relname as breach from pg_constraint k
      join tables a on a.oid = k.conrelid join tables b on b.oid = k.confrelid
      where k.contype = 'f' and b.tenant is not null
        and (a.tenant is null or k.conkey[1] <> a.tenant or k.confkey[1] <> b.tenant)`,
    bad: [
      `${tenantTable("parent", "unique (id), primary key (tenant_id, id)")} ${tenantTable("child", "parent text references parent (id), primary key (tenant_id, id)")}`,
      `${tenantTable("parent", "unique (id), primary key (tenant_id, id)")} create table bad (id text references parent (id));`,
    ],
  },
  {
    name: "row-level security is enabled and forced on every tenant table",
    breaches: `with ${TABLES}
      select t.relname as breach from tables t where t.tenant is not null and not (t.relrowsecurity and t.relforcerowsecurity)`,
    bad: [tenantTable("bad"), `${tenantTable("bad")} alter table bad enable row level security;`],
  },
  {
    name: "the wall stands for everybody and every command, reading and writing",
    breaches: `with ${TABLES}
      select t.relname as breach from tables t where t.tenant is not null and not exists (
        select from pg_policy p where p.polrelid = t.oid and p.polname = 'tenant_wall' and p.polroles = '{0}' and p.polcmd = '*'
          and pg_get_expr(p.polqual, t.oid) like '(tenant_id = ( SELECT current_setting(''app.tenant_id''::text, true)%'
          and pg_get_expr(p.polwithcheck, t.oid) = pg_get_expr(p.polqual, t.oid))`,
    bad: [
      tenantTable("bad"),
      `${tenantTable("bad")} create policy tenant_wall on bad ${WALL};`,
      `${tenantTable("bad")} create policy tenant_wall on bad to tollgate_app ${WALL} with check (true);`,
    ],
  },
  {
    name: "only roles that nobody can log in as, nor the app become, pass the wall",
    breaches: `select format('%s on %s', p.polname, p.polrelid::regclass) as breach
      from pg_policy p cross join unnest(p.polroles) as role(oid) left join pg_roles r on r.oid = role.oid
      where p.polname <> 'tenant_wall' and (r.oid is null or r.rolcanlogin or pg_has_role($1, r.oid, 'member'))`,
    bad: [
      `${tenantTable("bad")} create policy everybody on bad using (true);`,
      `${tenantTable("bad")} create policy app on bad to tollgate_app using (true);`,
      "grant tollgate_gate to app_login;",
    ],
  },
  {
    name: "a table without tenant_id names no tenant, unless it is a directory, which holds ids only",
    breaches: `with ${TABLES}
      select format('%s.%s', t.relname, a.attname) as breach
      from tables t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
      where t.tenant is null and case when t.relname like '%\\_directory' then a.atttypid <> 'text'::regtype else a.attname like '%tenant%' end
      union all
      select t.relname from tables t where t.relname like '%\\_directory' and (t.tenant is not null or (
        select count(*) from pg_attribute a where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped) <> 2)`,
    bad: [
      "create table bad (id text primary key, owner_tenant text);",
      "create table bad_directory (name text primary key, tenant text, balance text);",
      "create table bad_directory (name text primary key, tenant_number bigint);",
    ],
  },
];

const privilegeRules: CatalogRule[] = [
  {
    name: "the app's login is no superuser, owns nothing, passes no wall and makes no roles",
    breaches: `select r.rolname as breach from pg_roles r where pg_has_role($1, r.oid, 'member')
        and (r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolcreatedb or r.rolreplication)
      union all
      select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and pg_has_role($1, c.relowner, 'member')`,
    bad: [
      `${tenantTable("bad")} grant create on schema public to app_login; alter table bad owner to app_login;`,
      "alter role app_login superuser;",
      "alter role tollgate_app bypassrls;",
    ],
  },
  {
    name: "nobody but the owner may TRUNCATE, which no wall stops, and PUBLIC may do nothing",
    breaches: `with ${TABLES}
      select t.relname as breach from tables t where has_table_privilege($1, t.oid, 'TRUNCATE, REFERENCES, TRIGGER')
      union all
      select format('%s: %s', t.relname, x.privilege_type) from tables t join pg_class c on c.oid = t.oid, aclexplode(c.relacl) x
      where x.grantee = 0 or (x.grantee <> t.relowner and x.privilege_type = 'TRUNCATE')`,
    bad: [
      `${tenantTable("bad")} grant truncate on bad to tollgate_app;`,
      `${tenantTable("bad")} grant truncate on bad to tollgate_gate;`,
      `${tenantTable("bad")} grant select on bad to public;`,
    ],
  },
  {
    name: "the app makes no tables, functions or schemas",
    breaches: `select n.nspname::text as breach from pg_namespace n where n.nspname !~ '^pg_(toast|temp)' and has_schema_privilege($1, n.oid, 'CREATE')`,
    bad: [
      "grant create on schema public to public;",
      "create schema more; grant create on schema more to tollgate_app;",
    ],
  },
  {
    name: "a view sees with its reader's eyes, and nothing tenant-owned is materialised",
    breaches: `select c.relname as breach from pg_class c where c.relnamespace = 'public'::regnamespace
        and (c.relkind = 'm' or (c.relkind = 'v' and not coalesce(c.reloptions @> '{security_invoker=true}', false)))`,
    bad: [
      "create view bad as select * from tenants;",
      "create materialized view bad as select * from tenants;",
    ],
  },
  {
    name: "a SECURITY DEFINER function has a fixed search_path, no PUBLIC caller, and an owner that cannot log in",
    breaches: `select p.oid::regprocedure::text as breach from pg_proc p join pg_roles r on r.oid = p.proowner
      where p.pronamespace = 'public'::regnamespace and p.prosecdef and (
        r.rolcanlogin or r.rolsuper
        or not exists (select from unnest(p.proconfig) setting where setting like 'search_path=pg_catalog%pg_temp')
        or exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x where x.grantee = 0))`,
    bad: [
      DEFINER,
      `${DEFINER} alter function bad() owner to tollgate_gate;`,
      `${DEFINER} alter function bad() owner to tollgate_gate; revoke all on function bad() from public; alter function bad() reset search_path;`,
    ],
  },
  {
    name: "what is append-only is so for the app's grants too",
    breaches: `select t.tgrelid::regclass::text as breach from pg_trigger t where t.tgname = 'append_only'
        and (t.tgenabled <> 'O' or t.tgtype <> 27 or has_table_privilege($1, t.tgrelid, 'UPDATE, DELETE'))`,
    bad: [
      `${tenantTable("bad")} select make_append_only('bad'); grant update on bad to tollgate_app;`,
      "alter table entries disable trigger append_only;",
    ],
  },
];

export const catalogRules: CatalogRule[] = [...tableRules, ...privilegeRules];
