import { periodAt } from "@/lib/time";
import type { meters } from "../ledger/tables";

/**
 * Unused allowance that becomes a lot once the meter's window, which is over at `now`, is closed: what `gate_roll_over`
 * will keep, before it does. 0 while the window runs.
 * @param live what lots kept from earlier windows still hold
 */
export function keptOver(row: typeof meters.$inferSelect, now: Date, live: number): number {
  const { rolloverCap, rolloverWindows, windowUnit, windowEndsAt, anchorAt, timeZone } = row;
  if (rolloverCap === null || rolloverWindows === null || windowUnit === null) return 0;
  if (windowEndsAt === null || windowEndsAt > now) return 0;
  const ended = row.overrideEndsAt !== null && row.overrideEndsAt <= now && row.overrideEndsAt < windowEndsAt;
  const granted = ended ? row.planAllowance : row.granted;
  if (granted === null) return 0;
  let expiresAt = windowEndsAt;
  for (let window = 0; window < rolloverWindows; window += 1)
    expiresAt = periodAt(expiresAt, { unit: windowUnit, anchor: anchorAt, timeZone }).endsAt;
  if (expiresAt <= now) return 0;
  return Math.max(Math.min(granted - row.used, rolloverCap - live), 0);
}
