import type { Breakdown } from "./breakdown";

/** One wish to draw. `key` is unique per tenant and kept for ever; `id` becomes the entry's id. */
export interface GateCall {
  tenantId: string;
  feature: string;
  units: number;
  /** null: nothing can tell a repeated call from a new one. */
  key: string | null;
  id: string;
  actor: string;
  properties: Record<string, string | number | boolean> | null;
  breakdown: Breakdown | null;
  /** A person said yes to going past a limit that asks. */
  confirmed: boolean;
  /** A denial leaves an entry too. */
  keepDenial: boolean;
}

/** What the gate decided. Units are whole; instants are milliseconds since 1970. */
export interface GateAnswer {
  status: "consumed" | "replayed" | "conflict" | "denied";
  /** `quota`, `not_in_plan`, `request_cap`, `window_cap`, `spend_cap`, `confirm` or `blocked:<why>` when denied. */
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
  /** Units past the allowance, whatever paid for them. */
  beyondUnits: number;
  /** Those of them that nothing paid for. */
  overUnits: number;
  crossed: number | null;
  planVersion: string | null;
  lots: { lotId: string; units: number }[];
}

/** What a meter's row says of a draw, as `gate_consume_one` answers (and `gate_consume_meter`, with what was used before). */
export type MeterFigures = readonly [
  used: number,
  granted: number | null,
  /** Instants are seconds since 1970. */
  starts: number | null,
  ends: number | null,
  plan: string | null,
];
export const isMeterFigures = (answer: object): answer is MeterFigures => Array.isArray(answer);

/** The answer to a call that the allowance covered, or one lot: of the meter's own unit, or of credits. */
export function drawn(
  call: Pick<GateCall, "id" | "units">,
  [used, granted, starts, ends, plan]: MeterFigures,
  lotId: string | null = null,
  ofCredits = false,
): GateAnswer {
  return {
    status: "consumed",
    reason: null,
    entryId: call.id,
    used,
    granted,
    missing: 0,
    startsAtMs: milliseconds(starts),
    endsAtMs: milliseconds(ends),
    allowanceUnits: lotId === null ? call.units : 0,
    lotUnits: lotId !== null && !ofCredits ? call.units : 0,
    credits: ofCredits ? call.units : 0,
    beyondUnits: lotId === null ? 0 : call.units,
    overUnits: 0,
    crossed: null,
    planVersion: plan,
    lots: lotId === null ? [] : [{ lotId, units: call.units }],
  };
}

const milliseconds = (seconds: number | null) => (seconds === null ? null : Math.round(seconds * 1_000));

/** json (not jsonb, which forgets the order of columns) comes parsed or as text, by the connection's settings. */
export const jsonOf = (value: unknown): unknown => (typeof value === "string" ? JSON.parse(value) : value);

/** The columns of `gate_row`, in {@link toAnswer}'s order. */
export const GATE_ROW = `status, reason, entry_id, used, granted, missing, starts_ms, ends_ms, allowance_units, lot_units, credits, beyond_units, over_units, crossed, plan_version, lot_ids, lot_draws`;

/** @param row the columns of {@link GATE_ROW}, as the driver gives them */
export function toAnswer(row: readonly unknown[]): GateAnswer {
  const [status, reason, entryId, used, granted, missing, starts, ends, allowance, lots, credits] = row;
  const [beyond, over, crossed, plan, lotIds, lotDraws] = row.slice(11);
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
    beyondUnits: Number(beyond ?? 0),
    overUnits: Number(over ?? 0),
    crossed: numberOrNull(crossed),
    planVersion: plan as string | null,
    lots: lotIds ? pairs(lotIds, lotDraws) : [],
  };
}

const numberOrNull = (value: unknown) => (value === null || value === undefined ? null : Number(value));

/** Arrays, or as the driver leaves them: `{lot_a,lot_b}` and `{5,2}`, our own ids and whole numbers, nothing to unquote. */
function pairs(ids: unknown, draws: unknown): { lotId: string; units: number }[] {
  const amounts = elements(draws);
  return elements(ids).map((lotId, at) => ({ lotId: String(lotId), units: Number(amounts[at]) }));
}

const elements = (value: unknown): unknown[] =>
  Array.isArray(value) ? value : String(value).slice(1, -1).split(",");

/** The answer of `gate_consume_one`: figures when the allowance covered the call, a `gate_row` else. */
export function oneAnswer(call: GateCall, value: unknown): GateAnswer {
  const answer = jsonOf(value) as MeterFigures | Record<string, unknown>;
  return isMeterFigures(answer) ? drawn(call, answer) : toAnswer(Object.values(answer));
}
