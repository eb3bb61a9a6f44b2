import type { entries } from "../ledger/tables";

export type Operation = (typeof entries.$inferSelect)["operation"];

/** What people filter a history by, and what a statement sums up. */
export const MOVEMENT_GROUPS = ["granted", "spent", "returned", "expired", "taken_back", "repaid"] as const;
export type MovementGroup = (typeof MOVEMENT_GROUPS)[number];

/** Denials move nothing, and what was brought forward is an opening balance: neither is ever shown in a group. */
const GROUP_OF: Record<Operation, MovementGroup> = {
  grant: "granted",
  adjust: "granted",
  consume: "spent",
  hold: "spent",
  commit: "spent",
  deny: "spent",
  release: "returned",
  refund: "returned",
  forfeit: "expired",
  expire: "expired",
  revoke: "taken_back",
  repay: "repaid",
  brought_forward: "granted",
};

export function groupOf(operation: Operation): MovementGroup {
  return GROUP_OF[operation];
}

export function operationsOf(group: MovementGroup): Operation[] {
  return (Object.keys(GROUP_OF) as Operation[]).filter((operation) => GROUP_OF[operation] === group);
}

/** Where a page ended: below which entry it goes on, and the balance there. */
export interface Cursor {
  id: string;
  balance: number;
}

const CURSOR = /^(ent_[0-9a-z-]{1,56}):(-?\d{1,16})$/;

export function writeCursor({ id, balance }: Cursor): string {
  return `${id}:${balance}`;
}

/** null for what is no cursor of ours. */
export function readCursor(text: string): Cursor | null {
  const [, id, balance] = CURSOR.exec(text) ?? [];
  return id && balance && Number.isSafeInteger(Number(balance)) ? { id, balance: Number(balance) } : null;
}

/** The next instant at which something expires, and all that expires then; null when everything lasts. */
export function nextExpiry(
  lots: readonly { expiresAt: Date | null; remaining: number }[],
): { at: Date; units: number } | null {
  const next = Math.min(...lots.map(({ expiresAt }) => expiresAt?.getTime() ?? Number.POSITIVE_INFINITY));
  if (next === Number.POSITIVE_INFINITY) return null;
  const then = lots.filter(({ expiresAt }) => expiresAt?.getTime() === next);
  return { at: new Date(next), units: then.reduce((sum, { remaining }) => sum + remaining, 0) };
}

/** So many days of 24 hours after `at`; null for what lasts. */
export function daysAfter(at: Date, days: number | null): Date | null {
  return days === null ? null : new Date(at.getTime() + days * 86_400_000);
}
