import { parseArgs } from "node:util";
import { migrate } from "@/server/db/migrate";
import { AppError } from "@/server/errors";
import { archiveEntries } from "@/server/ledger/archive";
import { loadRunningEnvironment } from "./dev/files";

/**
 * `npm run db:migrate`: brings the database up to date. Safe to run again, and by two deploys at once.
 * `npm run db:migrate -- --archive-before YYYY-MM`: then moves the ledger's entries from before that month to the schema
 * `archive`. See docs/decisions/0011-partitioned-entries.md.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { "archive-before": { type: "string" } } });
  loadRunningEnvironment();
  const appUrl = postgresUrl("DATABASE_URL");
  const ownerUrl = process.env.DATABASE_OWNER_URL ? postgresUrl("DATABASE_OWNER_URL") : appUrl;
  const { applied } = await migrate({ ownerUrl, appUrl });
  const { host, pathname, username } = new URL(ownerUrl);
  console.log(`${host}${pathname}: ${applied === 0 ? "up to date" : `${applied} migration(s) applied`}.`);
  if (values["archive-before"] !== undefined) await archive(ownerUrl, values["archive-before"]);
  if (ownerUrl === appUrl) {
    console.warn(`The app would run as "${decodeURIComponent(username)}", which owns the tables.`);
    console.warn("Give DATABASE_URL a login of its own and DATABASE_OWNER_URL this one: see README.md.");
  }
}

/** What stands in the way is told; the migration itself is done by then. */
async function archive(ownerUrl: string, before: string): Promise<void> {
  const tables = await archiveEntries({ ownerUrl, before, now: new Date() }).catch((error: unknown) => {
    if (!(error instanceof AppError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  });
  if (!tables) return;
  if (tables.length === 0) console.log(`No entries from before ${before} are left to archive.`);
  for (const table of tables) console.log(`archive.${table}: out of the books, and yours to dump and drop.`);
}

/** @throws Error that names the variable and never shows its value, which holds a password */
function postgresUrl(name: "DATABASE_URL" | "DATABASE_OWNER_URL"): string {
  const value = process.env[name]?.trim();
  if (!value) throw new Error(`${name} is not set. In development, npm run dev migrates its own database.`);
  const protocol = URL.canParse(value) ? new URL(value).protocol : null;
  if (protocol !== "postgres:" && protocol !== "postgresql:")
    throw new Error(`${name} is malformed. It wants postgres://user:password@host:5432/database.`);
  return value;
}

main().then(
  () => process.exit(),
  (error: unknown) => {
    console.error(`Not migrated: ${error instanceof Error ? error.message : error}`);
    process.exit(1);
  },
);
