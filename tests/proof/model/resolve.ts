import type { Op } from "./ops";
import type { State } from "./state";
import { FRESH, type Wish } from "./wishes";

/** A wish as a call, now that it is known what there is; null when there is nothing that it could mean. */
export function resolve(
  { state, asked }: { state: State; asked: Op[] },
  wish: Wish,
  tag: string,
  place: number,
): Op | null {
  if (wish.do === "again") return chosen(asked, wish.at) ?? null;
  if (wish.do === "grant") {
    // Lots that nothing tells apart are spent in the order of their ids, which calls at once don't decide.
    const expiresInMs = place === 0 ? wish.expiresInMs : (wish.expiresInMs ?? 7_200_000) + place * 1_000;
    return { ...wish, expiresInMs, source: `step:${tag}` };
  }
  const named = "key" in wish && wish.key === FRESH ? { ...wish, key: `fresh-${tag}` } : wish;
  if (!("at" in named)) return named;
  const { at, ...rest } = named;
  if (rest.do === "commit" || rest.do === "releaseHold") {
    const hold = chosen(Object.keys(state.holds), at);
    return hold === undefined ? null : { ...rest, hold };
  }
  if (rest.do === "refund") {
    const entry = chosen(refundable(state), at);
    return entry === undefined ? null : { ...rest, entry };
  }
  const lease = chosen(Object.keys(state.leases), at);
  return lease === undefined ? null : { ...rest, lease };
}

const refundable = (state: { entries: Record<string, { tag: string; operation: string }> }) =>
  Object.values(state.entries)
    .filter(({ operation }) => operation === "consume" || operation === "hold")
    .map(({ tag }) => tag);

/** The last ones first: what was just made is where the races are. */
const chosen = <T>(all: T[], at: number): T | undefined =>
  all[all.length - 1 - (at % Math.max(all.length, 1))];
