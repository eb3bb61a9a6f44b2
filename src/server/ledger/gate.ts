import { sql } from "drizzle-orm";
import { jitterMs } from "@/lib/random";
import type { Database, Tx } from "../db/client";
import { asAppError, isRetryable } from "../db/transaction";
import { AppError } from "../errors";

/** One wish to draw. `key` is unique per tenant and kept for ever; `id` becomes the entry's id. */
export interface GateCall {
  tenantId: string;
  feature: string;
  units: number;
  key: string;
  id: string;
  actor: string;
  properties: Record<string, string | number | boolean> | null;
}

/** What the gate decided. Units are whole; instants are milliseconds since 1970. */
export interface GateAnswer {
  status: "consumed" | "replayed" | "conflict" | "denied";
  /** `quota`, `not_in_plan` or `blocked:<why>` when denied. */
  reason: string | null;
  entryId: string | null;
  used: number;
  /** null: unlimited. */
  granted: number | null;
  missing: number;
  startsAtMs: number | null;
  endsAtMs: number | null;
  allowanceUnits: number;
  lotUnits: number;
  credits: number;
  crossed: number | null;
  planVersion: string | null;
  lots: { lotId: string; units: number }[];
}

interface Waiting extends GateCall {
  resolve: (answer: GateAnswer) => void;
  reject: (error: unknown) => void;
}
interface Lane {
  queue: Waiting[];
  busy: boolean;
  scheduled: boolean;
}

/** More would not fit `sum(units)` into a bigint at 2^53 units a call, and gains nothing. */
const MAX_BATCH = 512;
/** One lane per connection of `db.gate`; a tenant always takes the same lane, so batches don't meet on its row. */
const LANES = 2;
/** Calls waiting in this process beyond which new ones are turned away at once. */
const MAX_WAITING = 20_000;
const MAX_ATTEMPTS = 5;

const COLUMNS = `call_no, status, reason, entry_id, used, granted, missing, starts_ms, ends_ms, allowance_units, lot_units, credits, crossed, plan_version, lot_ids, lot_draws`;
const CONSUME = `select ${COLUMNS} from gate_consume($1::timestamptz, $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[])`;
const CHECK = `select ${COLUMNS} from gate_check($1::timestamptz, $2, $3, $4::bigint)`;

/**
 * Calls of one process that arrive together travel together: each lane keeps one batch in flight and gathers the
 * next meanwhile. Every call gets its own, exact answer. See PERFORMANCE in docs/decisions/0010-hot-path.md.
 */
export class Gate {
  readonly #db: Database;
  readonly #now: () => Date;
  readonly #lanes: Lane[] = Array.from({ length: LANES }, () => ({
    queue: [],
    busy: false,
    scheduled: false,
  }));

  constructor(db: Database, now: () => Date) {
    this.#db = db;
    this.#now = now;
  }

  /** @throws AppError BUSY when the database doesn't answer; the outcome is then known by asking again with the key */
  consume(call: GateCall): Promise<GateAnswer> {
    const lane = this.#lanes[laneOf(call.tenantId)]!;
    if (lane.queue.length >= MAX_WAITING)
      throw new AppError("BUSY", "The service is busy. Please try again in a moment.");
    return new Promise((resolve, reject) => {
      lane.queue.push({ ...call, resolve, reject });
      if (lane.busy || lane.scheduled) return;
      lane.scheduled = true;
      setImmediate(() => {
        lane.scheduled = false;
        void this.#drain(lane);
      });
    });
  }

  /** The same decision without the write, and without a lock. */
  async check(call: Pick<GateCall, "tenantId" | "feature" | "units">): Promise<GateAnswer> {
    const rows = await this.#run(CHECK, [this.#now().toISOString(), call.tenantId, call.feature, call.units]);
    return toAnswer(rows[0]!);
  }

  async #drain(lane: Lane): Promise<void> {
    lane.busy = true;
    while (lane.queue.length > 0) {
      const batch = lane.queue.length <= MAX_BATCH ? lane.queue : lane.queue.slice(0, MAX_BATCH);
      lane.queue = lane.queue.slice(batch.length);
      await this.#send(batch);
    }
    lane.busy = false;
  }

  async #send(batch: Waiting[]): Promise<void> {
    try {
      const rows = await this.#run(CONSUME, consumeParameters(this.#now(), batch));
      for (const row of rows) batch[Number(row[0]) - 1]!.resolve(toAnswer(row));
    } catch (error) {
      for (const call of batch) call.reject(error);
    }
  }

  async #run(text: string, parameters: (string | number)[]): Promise<unknown[][]> {
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
  const [at, tenants, features, units, keys, ids, actors, properties] = consumeParameters(now, [call]);
  const rows = await tx.execute(
    sql`select ${sql.raw(COLUMNS)} from gate_consume(${at}::timestamptz, ${tenants}::text[], ${features}::text[], ${units}::bigint[], ${keys}::text[], ${ids}::text[], ${actors}::text[], ${properties}::text[])`,
  );
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

function consumeParameters(now: Date, calls: GateCall[]): string[] {
  return [
    now.toISOString(),
    arrayLiteral(calls, (call) => call.tenantId),
    arrayLiteral(calls, (call) => call.feature),
    `{${calls.map((call) => call.units).join(",")}}`,
    arrayLiteral(calls, (call) => call.key),
    arrayLiteral(calls, (call) => call.id),
    arrayLiteral(calls, (call) => call.actor),
    arrayLiteral(calls, (call) => (call.properties ? JSON.stringify(call.properties) : null)),
  ];
}

const PLAIN = /^[A-Za-z0-9_:.-]+$/;

/** A Postgres text[] literal. Most values are plain ids and need no quoting. */
function arrayLiteral(calls: GateCall[], pick: (call: GateCall) => string | null): string {
  const parts = calls.map((call) => {
    const value = pick(call);
    if (value === null) return "NULL";
    if (PLAIN.test(value) && value.length !== 4) return value;
    return `"${value.replace(/[\\"]/g, "\\$&")}"`;
  });
  return `{${parts.join(",")}}`;
}

function toAnswer(row: unknown[]): GateAnswer {
  const [
    ,
    status,
    reason,
    entryId,
    used,
    granted,
    missing,
    starts,
    ends,
    allowance,
    lots,
    credits,
    crossed,
    plan,
    lotIds,
    lotDraws,
  ] = row;
  return {
    status: status as GateAnswer["status"],
    reason: reason as string | null,
    entryId: entryId as string | null,
    used: Number(used ?? 0),
    granted: numberOrNull(granted),
    missing: Number(missing ?? 0),
    startsAtMs: numberOrNull(starts),
    endsAtMs: numberOrNull(ends),
    allowanceUnits: Number(allowance ?? 0),
    lotUnits: Number(lots ?? 0),
    credits: Number(credits ?? 0),
    crossed: numberOrNull(crossed),
    planVersion: plan as string | null,
    lots: lotIds ? pairs(String(lotIds), String(lotDraws)) : [],
  };
}

const numberOrNull = (value: unknown) => (value === null || value === undefined ? null : Number(value));

/** `{lot_a,lot_b}` and `{5,2}`: our own ids and whole numbers, so there is nothing to unquote. */
function pairs(ids: string, draws: string): { lotId: string; units: number }[] {
  const amounts = draws.slice(1, -1).split(",");
  return ids
    .slice(1, -1)
    .split(",")
    .map((lotId, at) => ({ lotId, units: Number(amounts[at]) }));
}

function laneOf(tenantId: string): number {
  return tenantId.charCodeAt(tenantId.length - 1) % LANES;
}
