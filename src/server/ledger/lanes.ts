/** A call on its way: whose it is decides with whom it travels. */
interface Passenger {
  readonly call: { readonly tenantId: string };
}

/** How calls get there and back. Neither rejects: who is answered, or told an error, knows it by the call itself. */
export interface Carrier<P> {
  /** Waits for the call's row for as long as the database lets it. */
  alone(one: P): Promise<void>;
  /** @returns what who waits for too long is told, when somebody holds a row for a tenth of a second: nothing was done then */
  together(batch: readonly P[]): Promise<Error | null>;
  turnAway(batch: readonly P[], error: Error): void;
}

/** More would not fit `sum(units)` into a bigint at 2^53 units a call, and gains nothing. */
const MAX_BATCH = 512;
/** Fewer calls than this for each of the two lanes travel in one batch: two would make each other wait for the disk. */
const WORTH_A_LANE = 32;
/** A call alone that takes longer waits for a row that somebody holds, and others pass. */
const PATIENCE_MS = 100;
/** Batches aside at once: each takes a connection. */
const MAX_ASIDE = 2;
/** Two seconds in all, as a call alone waits. */
const MAX_TRIES_ASIDE = 20;

/** Calls of one tenant whose rows somebody holds. */
interface Party<P> {
  tenantId: string;
  calls: P[];
  tries: number;
}

/**
 * Who travels when, and with whom. Two lanes have a batch each in flight and gather the next meanwhile. A tenant's calls never
 * travel in both, for they would wait for each other's rows; and one whose rows somebody holds goes aside, so that nobody waits
 * but itself.
 */
export class Lanes<P extends Passenger> {
  readonly #carrier: Carrier<P>;
  #waiting: P[] = [];
  /** Whose calls each lane carries; null while it is free. */
  readonly #away: [ReadonlySet<string> | null, ReadonlySet<string> | null] = [null, null];
  /** Tenants whose calls are aside; those that come later wait for them. */
  readonly #held = new Set<string>();
  readonly #aside: Party<P>[] = [];
  #asideAway = 0;
  #scheduled = false;

  constructor(carrier: Carrier<P>) {
    this.#carrier = carrier;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  add(passenger: P): void {
    this.#waiting.push(passenger);
    this.#departSoon();
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
    const [first, second] = this.#away;
    if (first && second) return;
    const other = first ?? second;
    if (other) {
      const batch = this.#take((tenantId) => !other.has(tenantId), WORTH_A_LANE);
      void this.#travel(first ? 1 : 0, batch);
    } else if (this.#waiting.length < 2 * WORTH_A_LANE) {
      const batch = this.#take(() => true);
      void this.#travel(0, batch);
    } else {
      const [one, two] = [this.#take((tenantId) => !isOfSecondHalf(tenantId)), this.#take(isOfSecondHalf)];
      void this.#travel(0, one);
      void this.#travel(1, two);
    }
  }

  /** Those who wait and may travel, the first first; nobody when they are fewer than `least`. */
  #take(mayTravel: (tenantId: string) => boolean, least = 1): P[] {
    const batch: P[] = [];
    const left: P[] = [];
    for (const one of this.#waiting) {
      const { tenantId } = one.call;
      const goes = batch.length < MAX_BATCH && mayTravel(tenantId) && !this.#held.has(tenantId);
      (goes ? batch : left).push(one);
    }
    if (batch.length < least) return [];
    this.#waiting = left;
    return batch;
  }

  async #travel(lane: 0 | 1, batch: P[]): Promise<void> {
    const [only] = batch;
    if (!only) return;
    const tenants = new Set(batch.map(({ call }) => call.tenantId));
    this.#away[lane] = tenants;
    // While somebody holds rows nobody goes alone: one at most waits in the database.
    const isAlone = batch.length === 1 && this.#held.size === 0;
    const held = isAlone ? await this.#travelAlone(lane, only) : await this.#carrier.together(batch);
    if (this.#away[lane] === tenants) this.#away[lane] = null;
    if (held) this.#setAside(batch);
    this.#departSoon();
  }

  /** When it does not come back, others take its lane. */
  async #travelAlone(lane: 0 | 1, one: P): Promise<null> {
    const { tenantId } = one.call;
    const late = setTimeout(() => {
      this.#held.add(tenantId);
      this.#away[lane] = null;
      this.#departSoon();
    }, PATIENCE_MS);
    await this.#carrier.alone(one);
    clearTimeout(late);
    this.#held.delete(tenantId);
    return null;
  }

  /** From now on each tenant of the batch travels for itself. */
  #setAside(batch: readonly P[]): void {
    const parties = new Map<string, Party<P>>();
    for (const one of batch) {
      const { tenantId } = one.call;
      const party = parties.get(tenantId) ?? { tenantId, calls: [], tries: 0 };
      party.calls.push(one);
      parties.set(tenantId, party);
      this.#held.add(tenantId);
    }
    this.#aside.push(...parties.values());
    this.#departAside();
  }

  #departAside(): void {
    while (this.#asideAway < MAX_ASIDE) {
      const party = this.#aside.shift();
      if (!party) return;
      this.#asideAway += 1;
      void this.#travelAside(party);
    }
  }

  async #travelAside(party: Party<P>): Promise<void> {
    const held = await this.#carrier.together(party.calls);
    this.#asideAway -= 1;
    party.tries += 1;
    if (held && party.tries < MAX_TRIES_ASIDE) this.#aside.push(party);
    else {
      if (held) this.#carrier.turnAway(party.calls, held);
      this.#held.delete(party.tenantId);
      this.#departSoon();
    }
    this.#departAside();
  }
}

const isOfSecondHalf = (tenantId: string) => tenantId.charCodeAt(tenantId.length - 1) % 2 === 1;
