import { type SQL, sql } from "drizzle-orm";
import { jitterMs } from "@/lib/random";
import type { Database, Tx } from "../db/client";
import { asAppError, isRetryable, postgresCode } from "../db/transaction";
import { AppError } from "../errors";
import { GATE_ROW, type GateAnswer, type GateCall, oneAnswer, toAnswer } from "./answer";
import { batchAnswers, batchOf } from "./batch";

interface Waiting {
  call: GateCall;
  resolve: (answer: GateAnswer) => void;
  reject: (error: unknown) => void;
}
/** More would not fit `sum(units)` into a bigint at 2^53 units a call, and gains nothing. */
const MAX_BATCH = 512;
/** One lane per connection of `db.gate`; a tenant always takes the same lane, so batches don't meet on its row. */
const LANES = 2;
/** Fewer calls than this for each lane travel in one batch: two would make each other wait for the disk. */
const WORTH_A_LANE = 32;
/** Calls waiting in this process beyond which new ones are turned away at once. */
const MAX_WAITING = 20_000;
const MAX_ATTEMPTS = 5;
/** A key of the batch was used before, or somebody held a row out of turn: nothing was done. */
const ASK_EXACTLY = "QK001";

const CONSUME_ONE =
  "select gate_consume_one($1::timestamptz, $2, $3, $4::bigint, $5, $6, $7, $8, $9, $10::boolean, $11::boolean)";
const CHECK = `select ${GATE_ROW} from gate_check($1::timestamptz, $2, $3, $4::bigint, $5, $6, $7::boolean)`;

/**
 * Calls of one process that arrive together travel together: each lane keeps one batch in flight and gathers the
 * next meanwhile. Every call gets its own, exact answer. See PERFORMANCE in docs/decisions/0010-hot-path.md.
 */
export class Gate {
  readonly #db: Database;
  readonly #now: () => Date;
  readonly #queues: Waiting[][] = Array.from({ length: LANES }, () => []);
  readonly #busy: boolean[] = Array.from({ length: LANES }, () => false);
  #scheduled = false;

  constructor(db: Database, now: () => Date) {
    this.#db = db;
    this.#now = now;
  }

  /** @throws AppError BUSY when the database doesn't answer; the outcome is then known by asking again with the key */
  consume(call: GateCall): Promise<GateAnswer> {
    if (call.confirmed || call.keepDenial) return this.#one(call);
    const queue = this.#queues[laneOf(call.tenantId)]!;
    if (queue.length >= MAX_WAITING)
      throw new AppError("BUSY", "The service is busy. Please try again in a moment.");
    return new Promise((resolve, reject) => {
      queue.push({ call, resolve, reject });
      this.#departSoon();
    });
  }

  /** The same decision without the write. */
  async check(
    call: Pick<GateCall, "tenantId" | "feature" | "units" | "id" | "actor" | "confirmed">,
  ): Promise<GateAnswer> {
    const { tenantId, feature, units, id, actor, confirmed } = call;
    const rows = await this.#run(CHECK, [
      this.#now().toISOString(),
      tenantId,
      feature,
      units,
      id,
      actor,
      confirmed,
    ]);
    return toAnswer(rows[0]!);
  }

  /** Whoever asks in the same turn, or asks again because it was just answered, comes along. */
  #departSoon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#depart();
    });
  }

  #depart(): void {
    const waiting = this.#queues.reduce((sum, queue) => sum + queue.length, 0);
    if (waiting === 0) return;
    const allFree = !this.#busy.includes(true);
    if (allFree && waiting < LANES * WORTH_A_LANE) {
      void this.#travel(
        0,
        this.#queues.flatMap((queue) => queue.splice(0)),
      );
      return;
    }
    for (const [lane, queue] of this.#queues.entries()) {
      if (this.#busy[lane] || queue.length === 0 || !(allFree || queue.length >= WORTH_A_LANE)) continue;
      void this.#travel(lane, queue.splice(0, MAX_BATCH));
    }
  }

  async #travel(lane: number, batch: Waiting[]): Promise<void> {
    this.#busy[lane] = true;
    await this.#send(batch);
    this.#busy[lane] = false;
    this.#departSoon();
  }

  async #send(waiting: Waiting[]): Promise<void> {
    try {
      if (waiting.length === 1) return waiting[0]!.resolve(await this.#one(waiting[0]!.call));
      const { question, order } = batchOf(waiting);
      const now = this.#now();
      const ask = (exact: boolean) => {
        const { text, parameters } = question(now, exact);
        return this.#run(text, parameters);
      };
      const rows = await ask(false).catch((error) => {
        if (postgresCode(error) !== ASK_EXACTLY) throw error;
        return ask(true);
      });
      batchAnswers(order, rows[0]!, (asker, answer) => asker.resolve(answer));
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
  }

  async #one(call: GateCall): Promise<GateAnswer> {
    const rows = await this.#run(CONSUME_ONE, oneParameters(this.#now(), call));
    return oneAnswer(call, rows[0]![0]);
  }

  async #run(text: string, parameters: (string | number | boolean | null)[]): Promise<readonly unknown[][]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#db.gate.unsafe(text, parameters, { prepare: true }).values();
      } catch (error) {
        if (!isRetryable(error) || attempt === MAX_ATTEMPTS) throw asAppError(error);
        await new Promise((resolve) => setTimeout(resolve, jitterMs(attempt)));
      }
    }
  }
}

/** The same call inside the caller's transaction: it commits or rolls back with everything else there. */
export async function consumeInTransaction(tx: Tx, now: Date, call: GateCall): Promise<GateAnswer> {
  const [at, tenant, feature, units, key, id, actor, properties, breakdown, confirmed, keep] = oneParameters(
    now,
    call,
  );
  const rows = await tx.execute<{ answer: unknown }>(
    sql`select gate_consume_one(${at}::timestamptz, ${tenant}, ${feature}, ${units}::bigint, ${key}, ${id}, ${actor}, ${properties}, ${breakdown}, ${confirmed}::boolean, ${keep}::boolean) as answer`,
  );
  return oneAnswer(call, rows[0]!.answer);
}

/** Asks a function of the gate that answers with one `gate_row`. */
export async function gateRow(tx: Tx, call: SQL): Promise<GateAnswer> {
  const rows = await tx.execute(sql`select ${sql.raw(GATE_ROW)} from ${call}`);
  return toAnswer(Object.values(rows[0]!));
}

const gates = new WeakMap<Database, WeakMap<() => Date, Gate>>();

/** The process's gate for a database and a clock. */
export function gateOf(ctx: { db: Database; now: () => Date }): Gate {
  const perClock = gates.get(ctx.db) ?? new WeakMap<() => Date, Gate>();
  gates.set(ctx.db, perClock);
  const gate = perClock.get(ctx.now) ?? new Gate(ctx.db, ctx.now);
  perClock.set(ctx.now, gate);
  return gate;
}

function oneParameters(now: Date, call: GateCall): (string | number | boolean | null)[] {
  return [
    now.toISOString(),
    call.tenantId,
    call.feature,
    call.units,
    call.key,
    call.id,
    call.actor,
    call.properties && JSON.stringify(call.properties),
    call.breakdown && JSON.stringify(call.breakdown),
    call.confirmed,
    call.keepDenial,
  ];
}

function laneOf(tenantId: string): number {
  return tenantId.charCodeAt(tenantId.length - 1) % LANES;
}
