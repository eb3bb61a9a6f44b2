import postgres from "postgres";
import type { TestProject } from "vitest/node";
import { ensureDatabase, startEmbeddedPostgres } from "@/server/db/embedded";
import { isAlive } from "@/server/db/embedded-binaries";
import { migrate } from "@/server/db/migrate";
import { withLogin } from "./urls";

declare module "vitest" {
  interface ProvidedContext {
    ownerUrl: string;
    templateName: string;
  }
}

/** Databases are named after the run's process, so that two runs share the server and nothing else. */
const TEMPLATE = `template_${process.pid}`;

/** One PostgreSQL for all runs, with a migrated template that every test file of this run copies. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startEmbeddedPostgres({ dir: ".data-test/postgres" });
  const sql = postgres(server.ownerUrl, { max: 1, onnotice: () => {} });
  await dropDatabasesOfDeadRuns(sql);
  const templateUrl = await ensureDatabase(server.ownerUrl, TEMPLATE);
  await migrate({ ownerUrl: templateUrl, appUrl: withLogin(templateUrl) });
  project.provide("ownerUrl", server.ownerUrl);
  project.provide("templateName", TEMPLATE);
  return async () => {
    await sql`drop database ${sql(TEMPLATE)} with (force)`;
    const others = await sql`select 1 from pg_database where datname like 'template\\_%'`;
    await sql.end();
    if (others.length === 0) await server.stop();
  };
}

async function dropDatabasesOfDeadRuns(sql: postgres.Sql): Promise<void> {
  const names = await sql`select datname from pg_database where datname ~ '^(test|template)_[0-9]+(_|$)'`;
  for (const { datname } of names) {
    if (isAlive(Number(String(datname).split("_")[1]))) continue;
    await sql`drop database if exists ${sql(String(datname))} with (force)`;
  }
}
