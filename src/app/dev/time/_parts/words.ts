import { formatDateTime } from "@/components/format";

/** "Nov 21, 2026, 14:05 UTC". */
export const instantWords = (iso: string) => `${formatDateTime(new Date(iso), "UTC")} UTC`;

/** "2026-11-21T14:05" as a field for dates wants it, read as UTC. */
export const fieldText = (iso: string) => iso.slice(0, 16);

/** A field's text as an instant; null while it is none. */
export function fieldInstant(text: string): string | null {
  const at = new Date(`${text}:00.000Z`);
  return Number.isNaN(at.getTime()) ? null : at.toISOString();
}
