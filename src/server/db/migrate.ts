import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { drizzle } from "drizzle-orm/postgres-js";
import { migrate as applyMigrations } from "drizzle-orm/postgres-js/migrator";
import postgres from "postgres";

const serverDir = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
/** Any constant: two deploys that migrate at once take turns. */
const MIGRATION_LOCK = 7_204_813;

export interface MigrateOptions {
  /** The owner of the tables: may create roles and tables. */
  ownerUrl: string;
  /** The app's own login. Its role is made when it is missing, with the password of this URL. */
  appUrl: string;
}

/**
 * Brings a database up to date: Drizzle's migrations once each, then every slice's `*.sql` (functions, walls,
 * grants; all idempotent) in one transaction, then the app's login role.
 */
export async function migrate({ ownerUrl, appUrl }: MigrateOptions): Promise<{ applied: number }> {
  const sql = postgres(ownerUrl, { max: 1, onnotice: () => {} });
  try {
    await sql`select pg_advisory_lock(${MIGRATION_LOCK})`;
    const before = await migrationCount(sql);
    await applyMigrations(drizzle(sql), { migrationsFolder: path.join(serverDir, "db/migrations") });
    const statements = await repeatableSql();
    await sql.begin(async (tx) => {
      // Slices' functions may call each other whatever the order of their files: bodies are looked at when they run.
      await tx`set local check_function_bodies = off`;
      for (const { text } of statements) await tx.unsafe(text);
      await ensureLogin(tx, appUrl);
    });
    return { applied: (await migrationCount(sql)) - before };
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function migrationCount(sql: postgres.Sql): Promise<number> {
  const [found] = await sql`select to_regclass('drizzle.__drizzle_migrations') is not null as exists`;
  if (!found?.exists) return 0;
  const [row] = await sql`select count(*)::int as count from drizzle.__drizzle_migrations`;
  return Number(row?.count ?? 0);
}

/** What is applied after the migrations, in order: the walls first, then the slices, then who may call what. */
export async function repeatableSql(): Promise<{ file: string; text: string }[]> {
  const found = await readdir(serverDir, { recursive: true });
  const slices = found.filter((file) => file.endsWith(".sql") && !file.startsWith("db")).sort();
  const files = ["db/security.sql", ...slices, "db/functions.sql"];
  return Promise.all(
    files.map(async (file) => ({ file, text: await readFile(path.join(serverDir, file), "utf8") })),
  );
}

/** Time-outs live on the role, so they hold behind any pooler and whatever the client forgets to set. */
async function ensureLogin(tx: postgres.TransactionSql, appUrl: string): Promise<void> {
  const url = new URL(appUrl);
  const role = decodeURIComponent(url.username);
  const password = decodeURIComponent(url.password);
  const [current] = await tx`select current_user as name`;
  if (role === "" || role === current?.name) return;
  const [existing] = await tx`select 1 from pg_roles where rolname = ${role}`;
  const name = tx(role);
  if (!existing)
    await tx.unsafe(
      `create role ${quoteIdentifier(role)} login nobypassrls password ${quoteLiteral(password)}`,
    );
  await tx`grant tollgate_app to ${name}`;
  await tx`alter role ${name} set statement_timeout = '5s'`;
  await tx`alter role ${name} set lock_timeout = '2s'`;
  await tx`alter role ${name} set idle_in_transaction_session_timeout = '10s'`;
}

const quoteIdentifier = (text: string) => `"${text.replaceAll('"', '""')}"`;
const quoteLiteral = (text: string) => `'${text.replaceAll("'", "''")}'`;
