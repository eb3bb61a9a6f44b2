import type { Answer } from "./ops";
import type { Entry, Meter, State } from "./state";

export function write(
  state: State,
  meter: Meter,
  entry: Omit<Entry, "feature" | "used" | "granted" | "startsAtMs" | "endsAtMs" | "plan">,
): Entry {
  const written: Entry = {
    ...entry,
    feature: meter.feature,
    used: meter.used,
    granted: meter.granted,
    startsAtMs: meter.startsAtMs,
    endsAtMs: meter.endsAtMs,
    plan: meter.plan,
  };
  state.entries[entry.tag] = written;
  return written;
}

export function receipt(entry: Entry): Answer {
  return {
    allowed: true,
    replayed: false,
    entryId: entry.tag,
    units: entry.units,
    used: entry.used,
    limit: entry.granted,
    windowStartsAt: entry.startsAtMs,
    resetsAt: entry.endsAtMs,
    drawn: drawn(entry),
    overUnits: entry.over,
    crossed: entry.crossed,
    planVersion: `${entry.plan}@1`,
  };
}

export const drawn = (draw: Pick<Entry, "allowance" | "from" | "credits">) => ({
  allowance: draw.allowance,
  lots: draw.from.map(([lotId, units]) => ({ lotId, units })),
  credits: draw.credits,
});
