/** The variables that started services hand on; in `npm run dev` this is `process.env`. */
export type Environment = Record<string, string | undefined>;

/** One thing that `npm run dev` starts. */
export interface Service {
  name: string;
  start(environment: Environment, signal: AbortSignal): Promise<StartedService>;
}

export interface StartedService {
  /** What to tell about it in one line: its address, or what it did. */
  line: string;
  /** Variables for the services after it. */
  env?: Record<string, string>;
  /** Ends it; resolves when nothing of it is left. */
  stop?(): Promise<void>;
  /** Ends it at once, without waiting and without a promise that it was tidy. */
  kill?(): void;
}

export interface RunningServices {
  /** Stops everything in reverse order; a service that fails to stop doesn't keep the others from it. */
  stop(): Promise<void>;
  kill(): void;
}

/** Ready-made `StartedService` for something that only had to be done once. */
export const finished = (line: string): StartedService => ({ line });

/**
 * Collects services as they start, so that an interrupt at any moment reaches the ones that run already.
 * @param print gets one line for every service that started or failed to stop.
 */
export class ServiceGroup implements RunningServices {
  #running: { name: string; service: StartedService }[] = [];

  constructor(private readonly print: (line: string) => void) {}

  /**
   * Starts the services in order, and stops the started ones when one fails.
   * @throws Error naming the service that did not start.
   */
  async start(services: Service[], environment: Environment, signal: AbortSignal): Promise<void> {
    for (const service of services) {
      if (signal.aborted) return;
      const startedAtMs = performance.now();
      try {
        const started = await service.start(environment, signal);
        this.#running.push({ name: service.name, service: started });
        Object.assign(environment, started.env);
        const tookMs = Math.round(performance.now() - startedAtMs);
        this.print(`  ${service.name.padEnd(12)}${started.line}  ${tookMs} ms`);
      } catch (error) {
        await this.stop();
        if (signal.aborted) return;
        throw new Error(`${service.name} did not start: ${messageOf(error)}`, { cause: error });
      }
    }
  }

  async stop(): Promise<void> {
    for (let last = this.#running.pop(); last; last = this.#running.pop()) {
      try {
        await last.service.stop?.();
      } catch (error) {
        this.print(`  ${last.name} did not stop: ${messageOf(error)}`);
      }
    }
  }

  kill(): void {
    for (const { service } of this.#running.reverse()) service.kill?.();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
