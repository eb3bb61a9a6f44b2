import { apply, priceOf } from "./draw";
import { write } from "./entries";
import type { Draw, Entry, Meter, State } from "./state";
import { nothing } from "./state";

/** A consume or hold with all that settled or refunded it, in the order of writing. */
export const chainOf = (state: State, root: string): Entry[] =>
  Object.values(state.entries).filter((entry) => entry.root === root);

interface Net extends Draw {
  /** Every credit of it was paid at the rate of the meter's plan of today. */
  atTodaysRate: boolean;
}

/** What a chain still has drawn in the running window, or in those that are over. Lots in the order of their last draw. */
function netOf(meter: Meter, chain: Entry[], live: boolean): Net {
  const net = { ...nothing(), atTodaysRate: true };
  const from = new Map<string, number>();
  for (const entry of chain.filter((one) => one.startsAtMs >= meter.carriedFromMs === live)) {
    net.allowance += entry.allowance;
    net.lots += entry.lots;
    net.credits += entry.credits;
    net.beyond += entry.beyond;
    net.over += entry.over;
    if (entry.credits > 0 && entry.plan !== meter.plan) net.atTodaysRate = false;
    for (const [source, units] of entry.from) {
      const before = from.get(source) ?? 0;
      // What is drawn once more counts as drawn last.
      if (units > 0) from.delete(source);
      from.set(source, before + units);
    }
  }
  net.from = [...from].filter(([, units]) => units > 0);
  return net;
}

/** Up to `units` of it, from the end of the draw: what nothing covered, credits, own lots, allowance. All below zero. */
function backOf(state: State, meter: Meter, net: Net, units: number): Draw {
  const over = Math.min(units, net.over);
  const forCredits = net.beyond - net.lots - net.over;
  const byCredits = Math.min(units - over, forCredits);
  const stay = forCredits - byCredits;
  const owed = net.atTodaysRate ? priceOf(meter, stay) : Math.ceil((stay * net.credits) / forCredits);
  const credits = byCredits === 0 ? 0 : net.credits - Math.min(net.credits, owed);
  const lots = Math.min(units - over - byCredits, net.lots);
  const allowance = Math.min(units - over - byCredits - lots, net.allowance);
  return {
    allowance: minus(allowance),
    lots: minus(lots),
    credits: minus(credits),
    beyond: minus(over + byCredits + lots),
    over: minus(over),
    from: [...lotsBack(state, net, meter.feature, lots), ...lotsBack(state, net, "credits", credits)],
  };
}

function lotsBack(state: State, net: Draw, unit: string, wanted: number): Draw["from"] {
  let left = wanted;
  return net.from.toReversed().flatMap(([source, drawn]): Draw["from"] => {
    const units = Math.min(drawn, left);
    if (units === 0 || state.lots.find((lot) => lot.source === source)!.unit !== unit) return [];
    left -= units;
    return [[source, -units]];
  });
}

const minus = (units: number) => (units === 0 ? 0 : -units);
const moved = (draw: Draw) => -(draw.allowance + draw.beyond);

/**
 * Gives `units` of a chain back to exactly where they came from and writes that down. Allowance of a window that is
 * over lapses, and so do own lots that are: they get their units back, and nobody may spend them.
 */
export function giveBack(
  state: State,
  meter: Meter,
  root: string,
  units: number,
  said: { tag: string; operation: string; units: number },
  nowMs: number,
): number {
  const chain = chainOf(state, root);
  const live = backOf(state, meter, netOf(meter, chain, true), units);
  const dead = backOf(state, meter, netOf(meter, chain, false), units - moved(live));
  const gone = [...live.from, ...dead.from]
    .map(([source, back]) => ({ back, lot: state.lots.find((one) => one.source === source)! }))
    .filter(({ lot }) => lot.unit === meter.feature && lot.expiresAtMs !== null && lot.expiresAtMs <= nowMs)
    .reduce((sum, { back }) => sum - back, 0);
  apply(state, meter, live);
  apply(state, meter, { ...nothing(), from: dead.from });
  const entry = { uncharged: 0, root, crossed: null };
  const closed = Math.max(0, ...chain.map((one) => one.startsAtMs).filter((ms) => ms < meter.carriedFromMs));
  if (moved(live) > 0) write(state, meter, { ...entry, ...live, ...said });
  const second = moved(live) > 0 ? { tag: `${said.tag}+`, operation: "release", units: moved(dead) } : said;
  if (moved(dead) > 0) write(state, meter, { ...entry, ...dead, ...second }).startsAtMs = closed;
  if (moved(live) + moved(dead) === 0) write(state, meter, { ...entry, ...live, ...said });
  return gone - dead.allowance;
}
