import { type GateAnswer, type GateCall, toAnswer } from "./answer";

interface Group<C> {
  tenantId: string;
  feature: string;
  total: number;
  largest: number;
  calls: C[];
}

/**
 * A batch as `gate_consume` wants it: calls sorted by meter, which is the lock order, with their running total inside
 * it. `order` is the calls as they were sent.
 */
export function batchParameters<C extends GateCall>(
  calls: readonly C[],
): { parameters: (string | null)[]; order: { call: C; group: number; upto: number }[] } {
  const groups = [...groupByMeter(calls)].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
  const order: { call: C; group: number; upto: number }[] = [];
  for (const [group, { calls: members }] of groups.entries()) {
    let upto = 0;
    for (const call of members) {
      upto += call.units;
      order.push({ call, group, upto });
    }
  }
  const parameters = [
    `{${groups.map((group) => group.tenantId).join(",")}}`,
    `{${groups.map((group) => group.feature).join(",")}}`,
    `{${groups.map((group) => group.total).join(",")}}`,
    `{${groups.map((group) => group.largest).join(",")}}`,
    `{${order.map(({ group }) => group + 1).join(",")}}`,
    `{${order.map(({ call }) => call.units).join(",")}}`,
    `{${order.map(({ upto }) => upto).join(",")}}`,
    textArray(order, ({ call }) => call.key),
    `{${order.map(({ call }) => call.id).join(",")}}`,
    textArray(order, ({ call }) => call.actor),
    textArray(order, ({ call }) => call.properties && JSON.stringify(call.properties)),
    textArray(order, ({ call }) => call.breakdown && JSON.stringify(call.breakdown)),
  ];
  return { parameters, order };
}

function groupByMeter<C extends GateCall>(calls: readonly C[]): Map<string, Group<C>> {
  const groups = new Map<string, Group<C>>();
  for (const call of calls) {
    const { tenantId, feature, units } = call;
    // A space sorts before every character of an id, so sorting the names sorts by tenant and then feature.
    const name = `${tenantId} ${feature}`;
    const group = groups.get(name);
    if (group) {
      group.total += units;
      group.largest = Math.max(group.largest, units);
      group.calls.push(call);
    } else {
      groups.set(name, { tenantId, feature, total: units, largest: units, calls: [call] });
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
export function batchAnswers<C extends GateCall>(
  order: readonly { call: C; group: number; upto: number }[],
  row: readonly unknown[],
  answer: (call: C, answer: GateAnswer) => void,
): void {
  const [before, granted, starts, ends, plans, lots, byCredits] = row.slice(0, 7).map(columnOf);
  for (const { call, group, upto } of order) {
    const base = before![group];
    if (base === undefined || base === "NULL") continue;
    const lotId = lots![group];
    const fromLot = lotId !== undefined && lotId !== "NULL";
    const credits = byCredits![group] === "t";
    answer(call, {
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
    answer(order[other.at - 1]!.call, toAnswer(Object.values(other.answer)));
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
