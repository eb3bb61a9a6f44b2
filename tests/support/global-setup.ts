import postgres from "postgres";
import type { TestProject } from "vitest/node";
import { ensureDatabase, startEmbeddedPostgres } from "@/server/db/embedded";
import { migrate } from "@/server/db/migrate";
import { withDatabase, withLogin } from "./urls";

declare module "vitest" {
  interface ProvidedContext {
    ownerUrl: string;
  }
}

/** One PostgreSQL for the whole run, with a migrated template that every test file copies. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startEmbeddedPostgres({
    dir: `${process.env.TEST_DATA_DIR ?? ".data-test"}/postgres`,
  });
  await dropLeftovers(server.ownerUrl);
  const templateUrl = await ensureDatabase(server.ownerUrl, "template_app");
  await migrate({ ownerUrl: templateUrl, appUrl: withLogin(templateUrl) });
  project.provide("ownerUrl", server.ownerUrl);
  return () => server.stop();
}

/** Databases of a run that was killed; the template too, because migrations under development may be rewritten. */
async function dropLeftovers(ownerUrl: string): Promise<void> {
  const sql = postgres(withDatabase(ownerUrl, "postgres"), { max: 1, onnotice: () => {} });
  const old =
    await sql`select datname from pg_database where datname like 'test\\_%' or datname = 'template_app'`;
  for (const { datname } of old) await sql`drop database ${sql(String(datname))} with (force)`;
  await sql.end();
}
