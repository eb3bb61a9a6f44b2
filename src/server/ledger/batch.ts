import {
  drawn,
  type GateAnswer,
  type GateCall,
  isMeterFigures,
  jsonOf,
  type MeterFigures,
  toAnswer,
} from "./answer";

/** Whoever waits for the answer to a call. */
interface Asker {
  readonly call: GateCall;
}
/** A call's place: its meter's, and how much the calls of that meter draw up to and with it. */
interface Place<A> {
  asker: A;
  group: number;
  upto: number;
}

interface Group<A> {
  tenantId: string;
  feature: string;
  total: number;
  largest: number;
  askers: A[];
}

/** What a batch asks of the database. */
interface Question {
  text: string;
  parameters: (string | number | boolean | null)[];
}
/** A batch that is ready to be asked: `order` is its calls as they are sent. */
export interface Batch<A> {
  /** `exact`: every call takes the exact path, with every row locked in order. */
  question(now: Date, exact: boolean): Question;
  order: Place<A>[];
}

const CALLS = (first: number) =>
  ["bigint", "bigint", "text", "text", "text", "text", "text"]
    .map((type, at) => `$${first + at}::${type}[]`)
    .join(", ");
const OF_ONE_METER = `select gate_consume_meter($1::timestamptz, $2, $3, $4::bigint, $5::bigint, ${CALLS(6)})`;
const OF_METERS = `select gate_consume($1::timestamptz, $2::boolean, $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::int[], ${CALLS(8)})`;

/** Calls sorted by meter, which is the lock order, with their running total inside it. */
export function batchOf<A extends Asker>(askers: readonly A[]): Batch<A> {
  const groups = groupsOf(askers);
  const order: Place<A>[] = [];
  let [places, units, uptos, ids] = ["", "", "", ""];
  const [keys, actors, properties, breakdowns] = [
    new TextArray(),
    new TextArray(),
    new TextArray(),
    new TextArray(),
  ];
  for (const [group, { askers: members }] of groups.entries()) {
    let upto = 0;
    for (const asker of members) {
      const { call } = asker;
      upto += call.units;
      order.push({ asker, group, upto });
      places += `,${group + 1}`;
      units += `,${call.units}`;
      uptos += `,${upto}`;
      ids += `,${call.id}`;
      keys.add(call.key);
      actors.add(call.actor);
      properties.add(call.properties && JSON.stringify(call.properties));
      breakdowns.add(call.breakdown && JSON.stringify(call.breakdown));
    }
  }
  const calls = [
    literal(units),
    literal(uptos),
    keys.literal(),
    literal(ids),
    actors.literal(),
    properties.literal(),
    breakdowns.literal(),
  ];
  const question = (now: Date, exact: boolean): Question => {
    const at = now.toISOString();
    const [only] = groups;
    if (groups.length === 1 && !exact)
      return {
        text: OF_ONE_METER,
        parameters: [at, only!.tenantId, only!.feature, only!.total, only!.largest, ...calls],
      };
    const meters = [
      `{${groups.map((group) => group.tenantId).join(",")}}`,
      `{${groups.map((group) => group.feature).join(",")}}`,
      `{${groups.map((group) => group.total).join(",")}}`,
      `{${groups.map((group) => group.largest).join(",")}}`,
      literal(places),
    ];
    return { text: OF_METERS, parameters: [at, exact, ...meters, ...calls] };
  };
  return { question, order };
}

function groupsOf<A extends Asker>(askers: readonly A[]): Group<A>[] {
  const groups = new Map<string, Group<A>>();
  let group: Group<A> | undefined;
  for (const asker of askers) {
    const { tenantId, feature, units } = asker.call;
    // Calls of one meter often come one after the other.
    if (group?.tenantId !== tenantId || group.feature !== feature) {
      // A space sorts before every character of an id, so sorting the names sorts by tenant and then feature.
      const name = `${tenantId} ${feature}`;
      group = groups.get(name) ?? { tenantId, feature, total: 0, largest: 0, askers: [] };
      groups.set(name, group);
    }
    group.total += units;
    group.largest = Math.max(group.largest, units);
    group.askers.push(asker);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sorted]) => sorted);
}

/** A Postgres array literal of elements that each have a comma before them. */
const literal = (elements: string) => `{${elements.slice(1)}}`;

const PLAIN = /^[A-Za-z0-9_:.-]+$/;

/** A Postgres text[] literal as it grows. Most values are plain ids, which need no quoting, or the same again. */
class TextArray {
  #elements = "";
  #anything = false;
  #last: string | null = null;
  #element = "NULL";

  add(value: string | null): void {
    if (value !== this.#last) {
      this.#last = value;
      this.#element = value === null ? "NULL" : quoted(value);
      this.#anything = true;
    }
    this.#elements += `,${this.#element}`;
  }

  /** null when every element is. */
  literal(): string | null {
    return this.#anything ? literal(this.#elements) : null;
  }
}

const quoted = (value: string) =>
  PLAIN.test(value) && value.length !== 4 ? value : `"${value.replace(/[\\"]/g, "\\$&")}"`;

/** `gate_batch` of gate-batch.sql: arrays by group, null or left out where nothing is to be said. */
interface GateBatch {
  before: (number | null)[] | null;
  granted: (number | null)[];
  /** Instants are seconds since 1970. */
  starts: (number | null)[];
  ends: (number | null)[];
  plans: (string | null)[];
  lots?: (string | null)[] | null;
  by_credits?: (boolean | null)[] | null;
  others?: { at: number; answer: Record<string, unknown> }[] | null;
}

/**
 * Gives every call of a batch its own answer. A group that was served together shares its meter's columns, and each
 * call's `used` is the meter's before the batch plus the running total, or unchanged where a lot paid for the group.
 */
export function batchAnswers<A extends Asker>(
  order: readonly Place<A>[],
  row: readonly unknown[],
  answer: (asker: A, answer: GateAnswer) => void,
): void {
  const batch = batchIn(row[0]);
  for (const { asker, group, upto } of order) {
    const before = batch.before?.[group] ?? null;
    if (before === null) continue;
    const lotId = batch.lots?.[group] ?? null;
    const after: MeterFigures = [
      lotId === null ? before + upto : before,
      batch.granted[group] ?? null,
      batch.starts[group] ?? null,
      batch.ends[group] ?? null,
      batch.plans[group] ?? null,
    ];
    answer(asker, drawn(asker.call, after, lotId, batch.by_credits?.[group] === true));
  }
  for (const other of batch.others ?? [])
    answer(order[other.at - 1]!.asker, toAnswer(Object.values(other.answer)));
}

/** One meter that was served together answers with an array. */
function batchIn(value: unknown): GateBatch {
  const answer = jsonOf(value) as GateBatch | MeterFigures;
  if (!isMeterFigures(answer)) return answer;
  const [before, granted, starts, ends, plan] = answer;
  return { before: [before], granted: [granted], starts: [starts], ends: [ends], plans: [plan] };
}
