import type { QueryClient, QueryFilters, QueryKey } from "@tanstack/react-query";
import { readStandings, STANDINGS_HEADER, type Standing } from "@/lib/standings";
import type { Outputs } from "@/server/root";
import { applyStandings, isPlain } from "./apply-standings";

type Status = Outputs["quota"]["status"];
type Meter = Status["meters"][number];

interface Followed {
  queries: QueryClient;
  /** Of `quota.status`, the one place where the browser keeps what is used. */
  statusKey: QueryKey;
  /** What shows every call: asked for anew when it is looked at. */
  stale: QueryFilters[];
  /** What shows lots and credits: most calls stay within an allowance and leave them as they were. */
  staleByLots: QueryFilters[];
}

/**
 * Reads every answer of the API once, whatever calls shared it, and moves the meters on the page: what is left comes
 * back with the call, so nothing is asked a second time.
 */
export function followStandings(followed: Followed): (headers: Headers) => void {
  const { queries, statusKey } = followed;
  const newest = new Map<string, number>();
  // Answers may arrive in another order than they were decided in: an older one says nothing new.
  const isNews = ({ feature, at }: Standing) => {
    const known = newest.get(feature);
    if (known !== undefined && at.getTime() < known) return false;
    newest.set(feature, at.getTime());
    return true;
  };
  return (headers) => {
    const standings = readStandings(headers.get(STANDINGS_HEADER)).filter(isNews);
    if (standings.length === 0) return;
    const known = queries.getQueryState<Status>(statusKey);
    const heard = standings.map((standing) => ({
      standing,
      meter: known?.data && meterOf(known.data, standing),
    }));
    const stale = heard.some(moves) ? followed.stale : [];
    const staleByLots = heard.some(mayMoveLots) ? followed.staleByLots : [];
    for (const filter of [...stale, ...staleByLots]) void queries.invalidateQueries(filter);
    if (!known?.data) return;
    const { data, dataUpdatedAt, fetchStatus } = known;
    const plain = standings.filter((standing) => isPlain(meterOf(data, standing), standing));
    // As old as it was: what nobody told is still to be asked for when its time comes.
    queries.setQueryData(statusKey, applyStandings(data, plain), { updatedAt: dataUpdatedAt });
    // An answer that is on its way may be from before this call.
    if (plain.length < standings.length || fetchStatus === "fetching")
      void queries.invalidateQueries({ queryKey: statusKey });
  };
}

interface Heard {
  standing: Standing;
  /** As it was known before. */
  meter: Meter | undefined;
}

/** A refusal or a question moves nothing. */
function moves({ standing: { used, moved, settled }, meter }: Heard): boolean {
  return settled || meter?.used !== used || Object.values(moved).some((units) => units !== 0);
}

/** What the answer doesn't tell in full, like a settling past the allowance, may have given some back. */
function mayMoveLots({ standing, meter }: Heard): boolean {
  const { moved, settled } = standing;
  return moved.credits !== 0 || moved.lots !== 0 || (meter ? !isPlain(meter, standing) : settled);
}

const meterOf = ({ meters }: Status, { feature }: Standing) =>
  meters.find((meter) => meter.feature === feature);
