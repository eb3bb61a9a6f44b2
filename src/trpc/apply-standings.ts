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
  // A window opened since: nothing but this request went past its allowance yet.
  const sameWindow = meter.resetsAt?.getTime() === resetsAt?.getTime();
  const over = Math.max((sameWindow ? meter.over : 0) + moved.over, 0);
  return {
    ...meter,
    used,
    limit,
    ...meterState({ ...meter, used, limit, over }),
    resetsAt,
    extra: Math.max(meter.extra - moved.lots, 0),
    beyond: Math.max((sameWindow ? meter.beyond : 0) + moved.beyond, 0),
    over,
    blocked,
  };
}
