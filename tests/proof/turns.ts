import type fc from "fast-check";
import type postgres from "postgres";
import { watchStatements } from "./statements";

/** Lets a scheduler decide which call of the process sends its next statement. For `openDatabase`'s `wrap`. */
export class Turns {
  #scheduler: fc.Scheduler | undefined;
  #inFlight = 0;

  readonly wrap = (client: postgres.Sql): postgres.Sql =>
    watchStatements(client, {
      before: async (statement) => {
        if (!this.#scheduler) return;
        await this.#scheduler.schedule(Promise.resolve(), statement.slice(0, 60));
        this.#inFlight += 1;
      },
      after: () => {
        if (this.#scheduler) this.#inFlight -= 1;
      },
    });

  /** Runs the calls, one statement at a time wherever locks allow it. */
  async take<T>(scheduler: fc.Scheduler, owner: postgres.Sql, calls: (() => Promise<T>)[]): Promise<T[]> {
    this.#scheduler = scheduler;
    this.#inFlight = 0;
    let running = true;
    try {
      const all = Promise.all(calls.map((call) => call())).finally(() => {
        running = false;
      });
      // Noticed below; until then nobody listens.
      all.catch(() => {});
      while (running) {
        await this.#quiet(owner, () => running);
        if (scheduler.count() > 0) await scheduler.waitNext(1);
        else await new Promise((resolve) => setImmediate(resolve));
      }
      return await all;
    } finally {
      this.#scheduler = undefined;
    }
  }

  /** Until every statement that was sent is answered, or waits for a lock that another call holds. */
  async #quiet(owner: postgres.Sql, running: () => boolean): Promise<void> {
    for (let looks = 0; running(); looks += 1) {
      // An answer takes some rounds of promises before its call asks for the next turn.
      for (let round = 0; round < 4; round += 1) await new Promise((resolve) => setImmediate(resolve));
      if (this.#inFlight === 0) return;
      if (looks < 20) continue;
      const [row] = await owner`select count(*)::int as n from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`;
      if (Number(row!.n) >= this.#inFlight) return;
    }
  }
}
