const DAY_MS = 86_400_000;

/** Days before the end of what was paid ahead; nothing renews it, so nobody may miss it. */
export const PREPAID_NOTICES = [7, 3, 1] as const;
/** Who cancelled knows: one notice, in time to think better of it. */
export const CANCELLED_NOTICES = [3] as const;
/** The earliest of all notices. */
export const FIRST_NOTICE_DAYS = 7;

/**
 * Which notice of an end is due: of those whose time has come only the nearest, so that a cron that comes late tells one
 * thing. None whose time had come when that end was decided: who has just paid for five days need not be told of five.
 * @returns the notice, and the started days that are really left
 */
export function endingNotice(
  notices: readonly number[],
  { endsAt, decidedAt, now }: { endsAt: Date; decidedAt: Date; now: Date },
): { notice: number; daysLeft: number } | null {
  const leftMs = endsAt.getTime() - now.getTime();
  if (leftMs <= 0) return null;
  const due = notices.filter((days) => leftMs <= days * DAY_MS);
  if (due.length === 0) return null;
  const notice = Math.min(...due);
  if (endsAt.getTime() - notice * DAY_MS <= decidedAt.getTime()) return null;
  return { notice, daysLeft: Math.ceil(leftMs / DAY_MS) };
}
