import { periodAt } from "@/lib/time";
import type { meters } from "../ledger/tables";

type Meter = typeof meters.$inferSelect;

export type MeterView = Pick<
  Meter,
  "used" | "beyond" | "over" | "allowance" | "granted" | "windowStartsAt" | "windowEndsAt" | "carriedFrom"
>;

/**
 * A meter as the gate would see it at `now`, without writing: an override that is over has ended, and a window that
 * is over shows as the one that holds `now`, with nothing used.
 */
export function meterView(row: Meter, now: Date): MeterView {
  const overrideOver = row.overrideEndsAt !== null && row.overrideEndsAt <= now;
  const allowance = overrideOver ? row.planAllowance : row.allowance;
  const { windowUnit, windowEndsAt, anchorAt, timeZone } = row;
  if (windowUnit === null || windowEndsAt === null || windowEndsAt > now)
    return { ...row, allowance, granted: overrideOver ? row.planAllowance : row.granted };
  const { startsAt, endsAt } = periodAt(now, { unit: windowUnit, anchor: anchorAt, timeZone });
  const windowStartsAt = startsAt < windowEndsAt ? windowEndsAt : startsAt;
  return {
    used: 0,
    beyond: 0,
    over: 0,
    allowance,
    granted: allowance,
    windowStartsAt,
    windowEndsAt: endsAt,
    carriedFrom: windowStartsAt,
  };
}
