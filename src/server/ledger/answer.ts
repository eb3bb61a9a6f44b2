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
