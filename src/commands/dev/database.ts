import { createHash } from "node:crypto";
import { ensureDatabase, startEmbeddedPostgres } from "@/server/db/embedded";
import { migrate } from "@/server/db/migrate";
import { finished, type Service } from "./services";

const DATABASE_NAME = "tollgate";
const APP_ROLE = "tollgate";

/** The database: the one of DATABASE_URL, or PostgreSQL of our own in `dir`. */
export function database(dir: string): Service {
  return {
    name: "Database",
    start: async (environment) => {
      if (environment.DATABASE_URL)
        return finished(`${new URL(environment.DATABASE_URL).host} (DATABASE_URL)`);
      const server = await startEmbeddedPostgres({ dir });
      const ownerUrl = await ensureDatabase(server.ownerUrl, DATABASE_NAME);
      const env = {
        DATABASE_URL: appRoleUrl(ownerUrl),
        DATABASE_OWNER_URL: ownerUrl,
        TOLLGATE_EMBEDDED_DATABASE: "1",
      };
      return {
        line: `127.0.0.1:${server.port}`,
        env,
        stop: server.stop,
        kill: () => killServer(server.pid()),
      };
    },
  };
}

/** Brings the tables up to date. */
export const migrations: Service = {
  name: "Migrations",
  start: async ({ DATABASE_URL: appUrl, DATABASE_OWNER_URL: ownerUrl = appUrl }) => {
    if (!appUrl || !ownerUrl) throw new Error("DATABASE_URL is not set.");
    const { applied } = await migrate({ ownerUrl, appUrl });
    return finished(applied === 0 ? "up to date" : `${applied} applied`);
  },
};

/** The app's password follows from the owner's, so that it always fits the data it was created in. */
function appRoleUrl(ownerUrl: string): string {
  const url = new URL(ownerUrl);
  url.password = createHash("sha256").update(`${APP_ROLE}:${url.password}`).digest("base64url");
  url.username = APP_ROLE;
  return url.href;
}

function killServer(pid: number | undefined): void {
  if (pid) process.kill(pid, "SIGQUIT");
}
