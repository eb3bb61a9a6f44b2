import { type SQL, sql } from "drizzle-orm";
import { jitterMs } from "@/lib/random";
import type { Database, Tx } from "../db/client";
import { asAppError, isRetryable, postgresCode } from "../db/transaction";
import { AppError } from "../errors";
import { GATE_ROW, type GateAnswer, type GateCall, oneAnswer, toAnswer } from "./answer";
import { batchAnswers, batchOf } from "./batch";
import { Lanes } from "./lanes";

interface Waiting {
  call: GateCall;
  resolve: (answer: GateAnswer) => void;
  reject: (error: unknown) => void;
}
/** Calls waiting in this process beyond which new ones are turned away at once. */
const MAX_WAITING = 20_000;
const MAX_ATTEMPTS = 5;
/** A key of the batch was used before, or somebody held a row out of turn: nothing was done. */
const ASK_EXACTLY = "QK001";
/** lock_not_available: a batch waits for a row for a tenth of a second, so that its neighbours don't. */
const HELD = "55P03";

const CONSUME_ONE =
  "select gate_consume_one($1::timestamptz, $2, $3, $4::bigint, $5, $6, $7, $8, $9, $10::boolean, $11::boolean)";
const CHECK = `select ${GATE_ROW} from gate_check($1::timestamptz, $2, $3, $4::bigint, $5, $6, $7::boolean)`;

/**
 * Calls of one process that arrive together travel together (lanes.ts). Every call gets its own, exact answer. See
 * docs/decisions/0010-hot-path.md.
 */
export class Gate {
  readonly #db: Database;
  readonly #now: () => Date;
  readonly #lanes: Lanes<Waiting>;

  constructor(db: Database, now: () => Date) {
    this.#db = db;
    this.#now = now;
    this.#lanes = new Lanes({
      alone: (one) => this.#alone(one),
      together: (batch) => this.#together(batch),
      turnAway,
    });
  }

  /** @throws AppError BUSY when the database doesn't answer; the outcome is then known by asking again with the key */
  consume(call: GateCall): Promise<GateAnswer> {
    if (call.confirmed || call.keepDenial) return this.#one(call);
    if (this.#lanes.waiting >= MAX_WAITING)
      throw new AppError("BUSY", "The service is busy. Please try again in a moment.");
    return new Promise((resolve, reject) => this.#lanes.add({ call, resolve, reject }));
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

  async #alone({ call, resolve, reject }: Waiting): Promise<void> {
    await this.#one(call).then(resolve, reject);
  }

  async #together(batch: readonly Waiting[]): Promise<Error | null> {
    try {
      const { question, order } = batchOf(batch);
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
      if (error instanceof Error && postgresCode(error) === HELD) return error;
      turnAway(batch, error);
    }
    return null;
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

function turnAway(batch: readonly Waiting[], error: unknown): void {
  for (const { reject } of batch) reject(error);
}
