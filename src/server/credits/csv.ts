import type { Movement } from "./history";

const COLUMNS = [
  "time",
  "operation",
  "group",
  "feature",
  "kind",
  "movement",
  "balance_after",
  "owed",
  "source",
  "reason",
  "actor",
  "entry_id",
] as const;

export const CSV_HEADER = csvLine([...COLUMNS]);

/** A row of a history as a line of CSV (RFC 4180), with the time in UTC. */
export function movementCsv(row: Movement): string {
  return csvLine([
    row.createdAt.toISOString(),
    row.operation,
    row.group,
    row.feature,
    row.kind,
    row.movement,
    row.balanceAfter,
    row.owed,
    row.source,
    row.reason,
    row.actor,
    row.entryId,
  ]);
}

/**
 * Text that a spreadsheet would take for a formula gets a quote in front; a number is a number and stays one.
 * @returns the line with its line break
 */
export function csvLine(cells: readonly (string | number | null)[]): string {
  return `${cells.map(cell).join(",")}\r\n`;
}

function cell(value: string | number | null): string {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const harmless = /^[=+\-@＝＋－＠\t\r\n]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
