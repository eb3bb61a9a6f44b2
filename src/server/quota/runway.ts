const DAY_MS = 86_400_000;
/** What is further away than this is not worth a date. */
const HORIZON_DAYS = 366;

/** Everything a meter may still draw from, in the order in which it does. */
export interface Runway {
  /** Left of this window's allowance. */
  allowanceLeft: number;
  /** What each window to come gives. */
  allowance: number;
  resetsAt: Date | null;
  /** How long the windows to come are. */
  windowDays: number;
  /** Lots of the meter's own unit, then credits as the units they pay for. An expired rest is lost, not drawn. */
  lots: readonly { units: number; expiresAt: Date | null }[];
  /** Units past the limit that this window, and then each window, may be billed for. */
  overageLeft: number;
  overage: number;
  /** The most that this window, and then each window, takes whatever pays for it. */
  capLeft: number;
  cap: number;
}

/**
 * The instant from which an even pace finds nothing to draw from; null when that is more than a year away, or never.
 * Windows that begin on the way bring their allowance.
 */
export function runsOutAt(now: Date, unitsPerDay: number, supply: Runway): Date | null {
  if (unitsPerDay <= 0) return null;
  const unitsPerMs = unitsPerDay / DAY_MS;
  const lots = supply.lots.map(({ units, expiresAt }) => ({ units, expiresMs: msOf(expiresAt) }));
  const lastMs = now.getTime() + HORIZON_DAYS * DAY_MS;
  let atMs = now.getTime();
  let endsMs = msOf(supply.resetsAt);
  let [allowance, overage, cap] = [supply.allowanceLeft, supply.overageLeft, supply.capLeft];
  while (atMs < lastMs) {
    const cappedMs = atMs + cap / unitsPerMs;
    atMs = Math.min(atMs + allowance / unitsPerMs, endsMs);
    for (const lot of lots) {
      const coveredMs = Math.max(0, Math.min(lot.units / unitsPerMs, Math.min(lot.expiresMs, endsMs) - atMs));
      lot.units -= coveredMs * unitsPerMs;
      atMs += coveredMs;
    }
    atMs = Math.min(atMs + overage / unitsPerMs, endsMs, cappedMs);
    // A millisecond is what the arithmetic may lose: an allowance that lasts exactly to the reset lasts.
    if (atMs < endsMs - 1) return atMs < lastMs ? new Date(Math.floor(atMs)) : null;
    endsMs += supply.windowDays * DAY_MS;
    [allowance, overage, cap] = [supply.allowance, supply.overage, supply.cap];
  }
  return null;
}

/** When this window's allowance alone is gone at an even pace; null when the reset comes first. */
export function allowanceEndsAt(
  now: Date,
  unitsPerDay: number,
  { allowanceLeft, resetsAt }: Pick<Runway, "allowanceLeft" | "resetsAt">,
): Date | null {
  if (unitsPerDay <= 0) return null;
  const endsMs = now.getTime() + (allowanceLeft / unitsPerDay) * DAY_MS;
  return endsMs < Math.min(msOf(resetsAt), now.getTime() + HORIZON_DAYS * DAY_MS)
    ? new Date(Math.floor(endsMs))
    : null;
}

const msOf = (at: Date | null) => (at === null ? Number.POSITIVE_INFINITY : at.getTime());
