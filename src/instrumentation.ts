import { env, isNodeRuntime } from "./env";

/** Next calls this once before the first request: a server with broken settings ends here, not at a customer. */
export function register(): void {
  if (!isNodeRuntime()) return;
  try {
    void env.NODE_ENV;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
}
