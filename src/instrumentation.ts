import { env, isNodeRuntime } from "./env";

/** Next calls this once before the first request: a server with broken settings ends here, not at a customer. */
export function register(): void {
  if (!isNodeRuntime()) return;
  try {
    void env.NODE_ENV;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    // After an error thrown here `next start` would go on and answer 500. The destructuring keeps the edge
    // build, which never gets this far, from warning about it.
    const { exit } = process;
    exit(1);
  }
}
