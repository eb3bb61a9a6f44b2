import { type GateAnswer, type GateCall, toAnswer } from "./answer";

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

/**
 * A batch as `gate_consume` wants it: calls sorted by meter, which is the lock order, with their running total inside
 * it. `order` is the calls as they were sent.
 */
export function batchParameters<A extends Asker>(
  askers: readonly A[],
): { parameters: (string | null)[]; order: Place<A>[] } {
  const groups = [...groupByMeter(askers)].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
  const order: Place<A>[] = [];
  for (const [group, { askers: members }] of groups.entries()) {
    let upto = 0;
    for (const asker of members) {
      upto += asker.call.units;
      order.push({ asker, group, upto });
    }
  }
  const parameters = [
    `{${groups.map((group) => group.tenantId).join(",")}}`,
    `{${groups.map((group) => group.feature).join(",")}}`,
    `{${groups.map((group) => group.total).join(",")}}`,
    `{${groups.map((group) => group.largest).join(",")}}`,
    `{${order.map(({ group }) => group + 1).join(",")}}`,
    `{${order.map(({ asker }) => asker.call.units).join(",")}}`,
    `{${order.map(({ upto }) => upto).join(",")}}`,
    textArray(order, ({ asker }) => asker.call.key),
    `{${order.map(({ asker }) => asker.call.id).join(",")}}`,
    textArray(order, ({ asker }) => asker.call.actor),
    textArray(order, ({ asker: { call } }) => call.properties && JSON.stringify(call.properties)),
    textArray(order, ({ asker: { call } }) => call.breakdown && JSON.stringify(call.breakdown)),
  ];
  return { parameters, order };
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

/**
 * Gives every call of a batch its own answer. A group that was served together shares its meter's columns, and each
 * call's `used` is the meter's before the batch plus the running total, or unchanged where a lot paid for the group.
 */
export function batchAnswers<A extends Asker>(
  order: readonly Place<A>[],
  row: readonly unknown[],
  answer: (asker: A, answer: GateAnswer) => void,
): void {
  const [before, granted, starts, ends, plans, lots, byCredits] = row.slice(0, 7).map(columnOf);
  for (const { asker, group, upto } of order) {
    const { call } = asker;
    const base = before![group];
    if (base === undefined || base === "NULL") continue;
    const lotId = lots![group];
    const fromLot = lotId !== undefined && lotId !== "NULL";
    const credits = byCredits![group] === "t";
    answer(asker, {
      status: "consumed",
      reason: null,
      entryId: call.id,
      used: fromLot ? Number(base) : Number(base) + upto,
      granted: numberOrNull(granted![group]),
      missing: 0,
      startsAtMs: milliseconds(starts![group]),
      endsAtMs: milliseconds(ends![group]),
      allowanceUnits: fromLot ? 0 : call.units,
      lotUnits: fromLot && !credits ? call.units : 0,
      credits: credits ? call.units : 0,
      beyondUnits: fromLot ? call.units : 0,
      overUnits: 0,
      crossed: null,
      planVersion: plans![group] ?? null,
      lots: fromLot ? [{ lotId, units: call.units }] : [],
    });
  }
  for (const other of othersOf(row[7]))
    answer(order[other.at - 1]!.asker, toAnswer(Object.values(other.answer)));
}

/** json (not jsonb, which forgets the order of columns) comes parsed or as text, by the connection's settings. */
function othersOf(value: unknown): { at: number; answer: Record<string, unknown> }[] {
  if (value === null || value === undefined) return [];
  return (typeof value === "string" ? JSON.parse(value) : value) as never;
}

/** `{a,b,NULL}` as its parts. Our own numbers and plan versions: nothing is quoted but what has an unusual character. */
function columnOf(value: unknown): string[] {
  return value === null || value === undefined ? [] : String(value).slice(1, -1).split(",");
}

const numberOrNull = (value: string | undefined) =>
  value === undefined || value === "NULL" ? null : Number(value);
const milliseconds = (seconds: string | undefined) => {
  const known = numberOrNull(seconds);
  return known === null ? null : Math.round(known * 1_000);
};
