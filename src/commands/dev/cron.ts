import type { Service } from "./services";

const JOBS = ["reset", "inbox", "reconcile", "top-ups", "subscriptions", "forecast", "notifications"];
const EVERY_MS = 60_000;
const TIMEOUT_MS = 55_000;

/** Calls the app's cron endpoints every minute, as a hosted cron would. */
export function localCron(port: number, print: (line: string) => void): Service {
  return {
    name: "Cron",
    start: async (environment) => {
      const report = onChange(print);
      const runAll = () => {
        for (const job of JOBS)
          void runJob(port, job, environment.CRON_SECRET).then((error) => report(job, error));
      };
      const timer = setInterval(runAll, EVERY_MS);
      return { line: `${JOBS.join(", ")} every minute`, stop: async () => clearInterval(timer) };
    },
  };
}

/** Runs one job; resolves to what went wrong, if anything. */
export async function runJob(
  port: number,
  job: string,
  secret: string | undefined,
): Promise<string | undefined> {
  const headers = secret ? { authorization: `Bearer ${secret}` } : undefined;
  try {
    const url = `http://localhost:${port}/api/cron/${job}`;
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
    await response.arrayBuffer();
    return response.ok ? undefined : `answered ${response.status}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Says an error once, not every minute, and says when it is over. */
export function onChange(print: (line: string) => void): (job: string, error: string | undefined) => void {
  const last = new Map<string, string | undefined>();
  return (job, error) => {
    if (last.get(job) === error) return;
    last.set(job, error);
    print(error ? `  Cron job ${job}: ${error}` : `  Cron job ${job} works again.`);
  };
}
