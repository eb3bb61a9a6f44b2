import { type Connection, send } from "./send";
import { TollgateError } from "./tollgate-error";
import type { Answer, Asked, FeatureId, Verb } from "./wire";
import { type ReservationOptions, type Reserved, withReservation } from "./with-reservation";

export interface CallOptions {
  /** Aborts the call and its retries; the signal's own reason is thrown. */
  signal?: AbortSignal;
}

/** What is done when there is no decision after all attempts: `throw` unless told. */
export interface DoubtOptions extends CallOptions {
  whenUndecided?: "throw" | "allow";
}

/** Let through although the gate did not answer. Perhaps it is charged already: settle it later with the same `key`. */
export interface Undecided {
  allowed: true;
  undecided: true;
  feature: FeatureId;
  /** null: a check, which has none. */
  key: string | null;
  because: TollgateError;
}

type Keyed<V extends Verb> = Omit<Asked<V>, "key"> & { key?: string };

/**
 * # Tollgate from any program
 *
 * The gate over HTTP, for services that are not part of the app. No React, no Next; one dependency, superjson. Copy
 * this folder; `wire.ts` says where its types come from.
 *
 *     const tollgate = createTollgate({ url: "https://app.example.com", apiKey: "tgk_…" });
 *
 *     const { remaining } = await tollgate.consume({ feature: "api_calls", units: 1 });
 *
 *     const text = await tollgate.withReservation("compute", 50, async (reservation) => {
 *       const { text, cost } = await model.run(prompt);
 *       reservation.spent(cost);
 *       return text;
 *     });
 *
 * - **A denial is thrown**, as a {@link TollgateError} with a `denial` (used, limit, missing, resetsAt, upgradeTo), so it
 *   can't be overlooked. `check` answers it instead.
 * - **Retries never charge twice.** What charges gets a key of its own per call; an attempt whose answer was lost is
 *   repeated with it and gets the stored receipt (`replayed: true`). Where your own program may repeat the call, give a
 *   `key` that names the work: an order's id, a message's.
 * - **Closed when in doubt.** Without a decision after all attempts a call throws `UNREACHABLE`, and your code stops.
 *   Where stopping is worse than giving something away, say so for that one call: `{ whenUndecided: "allow" }`. A
 *   denial, a wrong key or a wrong address is never let through.
 * - `{ signal }` aborts a call and its retries.
 */
export function createTollgate(connection: Connection) {
  const ask = <V extends Verb>(verb: V, input: unknown, options: CallOptions = {}) =>
    send(connection, {
      procedure: `quota.${verb}`,
      type: QUERIES.has(verb) ? "query" : "mutation",
      input,
      signal: options.signal,
    }) as Promise<Answer<V>>;

  async function check(input: Asked<"check">, options?: CallOptions): Promise<Answer<"check">>;
  async function check(input: Asked<"check">, options: DoubtOptions): Promise<Answer<"check"> | Undecided>;
  async function check(input: Asked<"check">, options: DoubtOptions = {}) {
    return orAllow(ask("check", input, options), input.feature, null, options);
  }

  async function consume(input: Asked<"consume">, options?: CallOptions): Promise<Answer<"consume">>;
  async function consume(
    input: Asked<"consume">,
    options: DoubtOptions,
  ): Promise<Answer<"consume"> | Undecided>;
  async function consume(input: Asked<"consume">, options: DoubtOptions = {}) {
    const key = input.key ?? newKey();
    return orAllow(ask("consume", { ...input, key }, options), input.feature, key, options);
  }

  const reserve = (input: Keyed<"reserve">, options?: CallOptions) =>
    ask("reserve", { ...input, key: input.key ?? newKey() }, options);

  const commit = (input: Asked<"commit">, options?: CallOptions) => ask("commit", input, options);
  const releaseHold = (input: Asked<"releaseHold">, options?: CallOptions) =>
    ask("releaseHold", input, options);

  return {
    /** Would it be allowed now? Writes nothing, and answers a denial. */
    check,
    /** Uses units of a meter, or takes a place of a level. */
    consume,
    /** Gives places of a level back. */
    release: (input: Keyed<"release">, options?: CallOptions) =>
      ask("release", { ...input, key: input.key ?? newKey() }, options),
    /** Sets units aside for work in progress; `commit` charges what it really cost, `releaseHold` nothing. */
    reserve,
    commit,
    releaseHold,
    /** Things that run, so many at once: taken, kept alive by a heartbeat, ended. */
    leases: {
      acquire: (input: Keyed<"acquireLease">, options?: CallOptions) =>
        ask("acquireLease", { ...input, key: input.key ?? newKey() }, options),
      heartbeat: (input: Asked<"heartbeat">, options?: CallOptions) => ask("heartbeat", input, options),
      release: (input: Asked<"releaseLease">, options?: CallOptions) => ask("releaseLease", input, options),
    },
    /** Everything the workspace may do, and how much of it is used. */
    status: (options?: CallOptions) => ask("status", undefined, options),
    /** Why one entry of the ledger is what it is. */
    explain: (input: Asked<"explain">, options?: CallOptions) => ask("explain", input, options),
    /** What a call costs and how long the units last, from the workspace's own history. */
    estimate: (input: Asked<"estimate">, options?: CallOptions) => ask("estimate", input, options),
    /** {@inheritDoc withReservation} */
    withReservation: <T>(
      feature: FeatureId,
      units: number,
      work: (reservation: Reserved) => Promise<T>,
      options: ReservationOptions = {},
    ) => withReservation({ reserve, commit, releaseHold }, { feature, units, ...options }, work),
  };
}

export type Tollgate = ReturnType<typeof createTollgate>;

const QUERIES: ReadonlySet<Verb> = new Set<Verb>(["check", "status", "explain", "estimate"]);

const newKey = () => `auto:${crypto.randomUUID()}`;

async function orAllow<T>(
  asked: Promise<T>,
  feature: FeatureId,
  key: string | null,
  { whenUndecided }: DoubtOptions,
): Promise<T | Undecided> {
  try {
    return await asked;
  } catch (because) {
    if (whenUndecided !== "allow" || !(because instanceof TollgateError && because.undecided)) throw because;
    return { allowed: true, undecided: true, feature, key, because };
  }
}
