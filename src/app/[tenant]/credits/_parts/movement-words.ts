import { formatCount } from "@/components/format";
import type { Outputs } from "@/server/root";
import { operationWords } from "../../_parts/entry-words";

type Movement = Outputs["credits"]["history"]["rows"][number];

const KINDS: Record<string, string> = {
  rollover: "Kept over",
  replenish: "Refill",
  trial: "Trial",
  promo: "Gift",
  compensation: "Compensation",
  adjustment: "Adjustment",
  purchase: "Bought",
};

/** What people choose from to narrow a history down; the value is the server's. */
export const GROUPS = [
  { value: "granted", label: "Came in" },
  { value: "spent", label: "Spent" },
  { value: "returned", label: "Given back" },
  { value: "expired", label: "Expired" },
  { value: "taken_back", label: "Taken back" },
  { value: "repaid", label: "Paid off" },
] as const;
export type Group = (typeof GROUPS)[number]["value"];

/** "purchase" → "Bought". */
export function kindWords(kind: string): string {
  return KINDS[kind] ?? kind;
}

/** What a row is about, and what happened: ["Compute", "Used"], ["Bought", "Granted"]. */
export function movementWords(row: Movement, nameOf: ReadonlyMap<string, string>): [string, string] {
  const happened = operationWords(row.operation);
  if (row.owed > 0) return [happened, `${formatCount(row.owed)} had been spent and are owed`];
  if (row.owed < 0) return ["No longer taken back", `${formatCount(-row.owed)} are no longer owed`];
  if (row.kind !== null) return [kindWords(row.kind), happened];
  const name = nameOf.get(row.feature);
  return name === undefined ? [happened, row.reason ?? ""] : [name, happened];
}

/** "+500" or "−40". */
export function signed(units: number): string {
  if (units === 0) return "0";
  return `${units < 0 ? "−" : "+"}${formatCount(Math.abs(units))}`;
}
