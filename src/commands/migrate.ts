import { migrate } from "@/server/db/migrate";
import { loadRunningEnvironment } from "./dev/files";

/** `npm run db:migrate`: brings the database up to date. Safe to run again, and by two deploys at once. */
async function main(): Promise<void> {
  loadRunningEnvironment();
  const appUrl = postgresUrl("DATABASE_URL");
  const ownerUrl = process.env.DATABASE_OWNER_URL ? postgresUrl("DATABASE_OWNER_URL") : appUrl;
  const { applied } = await migrate({ ownerUrl, appUrl });
  const { host, pathname, username } = new URL(ownerUrl);
  console.log(`${host}${pathname}: ${applied === 0 ? "up to date" : `${applied} migration(s) applied`}.`);
  if (ownerUrl === appUrl) {
    console.warn(`The app would run as "${decodeURIComponent(username)}", which owns the tables.`);
    console.warn("Give DATABASE_URL a login of its own and DATABASE_OWNER_URL this one: see README.md.");
  }
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
  () => process.exit(0),
  (error: unknown) => {
    console.error(`Not migrated: ${error instanceof Error ? error.message : error}`);
    process.exit(1);
  },
);
