import { drawn, type GateAnswer, type GateCall, isOneMeter, jsonOf, type OneMeter, toAnswer } from "./answer";

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
  const groups = [...groupByMeter(askers)].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
  const order: Place<A>[] = [];
  for (const [group, { askers: members }] of groups.entries()) {
    let upto = 0;
    for (const asker of members) {
      upto += asker.call.units;
      order.push({ asker, group, upto });
    }
  }
  const calls = [
    `{${order.map(({ asker }) => asker.call.units).join(",")}}`,
    `{${order.map(({ upto }) => upto).join(",")}}`,
    textArray(order, ({ asker }) => asker.call.key),
    `{${order.map(({ asker }) => asker.call.id).join(",")}}`,
    textArray(order, ({ asker }) => asker.call.actor),
    textArray(order, ({ asker: { call } }) => call.properties && JSON.stringify(call.properties)),
    textArray(order, ({ asker: { call } }) => call.breakdown && JSON.stringify(call.breakdown)),
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
      `{${order.map(({ group }) => group + 1).join(",")}}`,
    ];
    return { text: OF_METERS, parameters: [at, exact, ...meters, ...calls] };
  };
  return { question, order };
}

function groupByMeter<A extends Asker>(askers: readonly A[]): Map<string, Group<A>> {
  const groups = new Map<string, Group<A>>();
  for (const asker of askers) {
    const { tenantId, feature, units } = asker.call;
    // A space sorts before every character of an id, so sorting the names sorts by tenant and then feature.
    const name = `${tenantId} ${feature}`;
    const group = groups.get(name);
    if (group) {
      group.total += units;
      group.largest = Math.max(group.largest, units);
      group.askers.push(asker);
    } else {
      groups.set(name, { tenantId, feature, total: units, largest: units, askers: [asker] });
    }
  }
  return groups;
}

const PLAIN = /^[A-Za-z0-9_:.-]+$/;

/** A Postgres text[] literal, or null when every element is. Most values are plain ids and need no quoting. */
function textArray<T>(items: readonly T[], pick: (item: T) => string | null): string | null {
  let all = "";
  let anything = false;
  for (const item of items) {
    const value = pick(item);
    if (value !== null) anything = true;
    all += `,${value === null ? "NULL" : quoted(value)}`;
  }
  return anything ? `{${all.slice(1)}}` : null;
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
    const after = {
      used: lotId === null ? before + upto : before,
      granted: batch.granted[group] ?? null,
      starts: batch.starts[group],
      ends: batch.ends[group],
      plan: batch.plans[group] ?? null,
    };
    answer(asker, drawn(asker.call, after, lotId, batch.by_credits?.[group] === true));
  }
  for (const other of batch.others ?? [])
    answer(order[other.at - 1]!.asker, toAnswer(Object.values(other.answer)));
}

/** One meter that was served together answers with an array. */
function batchIn(value: unknown): GateBatch {
  const answer = jsonOf(value) as GateBatch | OneMeter;
  if (!isOneMeter(answer)) return answer;
  const [before, granted, starts, ends, plan] = answer;
  return { before: [before], granted: [granted], starts: [starts], ends: [ends], plans: [plan] };
}
