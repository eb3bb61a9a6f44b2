import { meterState } from "@/lib/meter-state";
import type { Standing } from "@/lib/standings";
import type { Outputs } from "@/server/root";

type Status = Outputs["quota"]["status"];
type Meter = Status["meters"][number];

/** The status as it is after calls whose answers said `standings`. What they don't speak of stays as it was. */
export function applyStandings(status: Status, standings: readonly Standing[]): Status {
  const told = new Map(standings.map((standing) => [standing.feature, standing]));
  const credits = standings.reduce((sum, { moved }) => sum + moved.credits, 0);
  return {
    ...status,
    meters: status.meters.map((meter) => {
      const standing = told.get(meter.feature);
      return standing ? applyStanding(meter, standing) : meter;
    }),
    credits: { ...status.credits, available: Math.max(status.credits.available - credits, 0) },
  };
}

function applyStanding(meter: Meter, { used, limit, resetsAt, moved, blocked }: Standing): Meter {
  const over = Math.max(meter.over + moved.over, 0);
  return {
    ...meter,
    used,
    limit,
    ...meterState({ ...meter, used, limit, over }),
    resetsAt,
    extra: Math.max(meter.extra - moved.lots, 0),
    beyond: Math.max(meter.beyond + moved.beyond, 0),
    over,
    blocked: blocked ?? meter.blocked,
  };
}

/**
 * Whether the browser can tell on its own what `standing` leaves of the meter it knows. Not when another window began
 * meanwhile, nor after a settling that may have given back what was used past the allowance.
 */
export function isPlain(known: Meter | undefined, { settled, resetsAt, moved }: Standing): boolean {
  if (!known) return true;
  if (known.resetsAt?.getTime() !== resetsAt?.getTime()) return false;
  return !settled || (known.beyond === 0 && Object.values(moved).every((units) => units === 0));
}
