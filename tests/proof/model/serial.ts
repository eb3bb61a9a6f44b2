import { sameAnswer } from "./compare";
import { endLeases } from "./leases";
import { settle } from "./meters";
import type { Answer, Op } from "./ops";
import { type JobPart, play } from "./play";
import type { State } from "./state";

export interface Call {
  op: Op | JobPart;
  tag: string;
}

/**
 * Jobs do many small things, and others come in between: each hold is swept by itself, and late is as good as early for the
 * rest. But for a check that came before its meter rolled, which names no lot that the roll makes: `rolls` says which it was.
 */
export function apart(
  { state, calls, answers, nowMs }: { state: State; calls: Call[]; answers: Answer[]; nowMs: number },
  rolls: "first" | "between",
) {
  const from = structuredClone(state);
  const has = (job: Op["do"]) => calls.some(({ op }) => op.do === job);
  const meters = has("rollDue") ? Object.keys(from.meters).filter((meter) => isDue(from, meter, nowMs)) : [];
  const rolled: Call[] =
    rolls === "between"
      ? meters.map((meter) => ({ op: { do: "settleMeter", meter }, tag: `rolled-${meter}` }))
      : [];
  if (rolls === "first") for (const meter of meters) settle(from, from.meters[meter]!, nowMs);
  if (has("sweepLeases")) endLeases(from, nowMs);
  const swept = has("sweepHolds") ? sweepsOf(from, nowMs, () => true) : [];
  const others = calls.map((_, at) => at).filter((at) => !JOBS.has(calls[at]!.op.do));
  const parts = [...rolled, ...swept];
  return {
    from,
    calls: [...others.map((at) => calls[at]!), ...parts],
    answers: [...others.map((at) => answers[at]!), ...parts.map(() => ({}))],
  };
}

function isDue(state: State, meter: string, nowMs: number): boolean {
  const copy = structuredClone(state);
  return settle(copy, copy.meters[meter]!, nowMs);
}

const JOBS = new Set<Call["op"]["do"]>(["rollDue", "sweepLeases", "sweepHolds"]);

/** A call that loses its key to another at the same instant has brought its meter up to date: that is nobody's answer. */
export function settled(state: State, calls: Call[], nowMs: number): State {
  const next = structuredClone(state);
  for (const { op } of calls) {
    const feature = featureOf(next, op);
    const meter = feature === undefined ? undefined : next.meters[meterOf(feature)];
    if (meter) settle(next, meter, nowMs);
  }
  return next;
}

/** A draw that loses its key to another at the same instant has given back what abandoned holds of its meter kept, before it lost. */
export function withSweeps(state: State, calls: Call[], answers: Answer[], nowMs: number) {
  const losers = calls.flatMap(({ op }, at) => {
    const { error, replayed } = answers[at]!;
    const lost = error === "IDEMPOTENCY_CONFLICT" || replayed === true;
    return lost && (op.do === "consume" || op.do === "reserve") ? [meterOf(op.feature)] : [];
  });
  const already = new Set(calls.map(({ tag }) => tag));
  const swept = sweepsOf(state, nowMs, (meter) => losers.includes(meter)).filter(
    ({ tag }) => !already.has(tag),
  );
  return { calls: [...calls, ...swept], answers: [...answers, ...swept.map(() => ({}))] };
}

/** Each hold of those meters that is past its time, swept by itself. */
function sweepsOf(state: State, nowMs: number, of: (meter: string) => boolean): Call[] {
  return Object.values(state.holds)
    .filter((hold) => hold.status === "open" && hold.expiresAtMs <= nowMs && of(hold.feature))
    .map(({ tag }) => ({ op: { do: "sweepHold", hold: tag }, tag: `swept-${tag}` }));
}

const meterOf = (feature: string) => (feature === "render" ? "compute" : feature);

/** A refund names the call that it takes back, not the meter. */
function featureOf(state: State, op: Call["op"]): string | undefined {
  if (op.do === "refund") return state.entries[op.entry]?.feature;
  return "feature" in op ? op.feature : undefined;
}

/** Depth first: whichever call's answer fits next. Concurrent calls are right when one serial order explains them all. */
export function serialOrder(
  state: State,
  calls: Call[],
  answers: Answer[],
  nowMs: number,
  fits: (end: State) => boolean,
): State | null {
  /** Where no order leads on: calls that don't touch each other come to the same state in every order of theirs. */
  const deadEnds = new Set<string>();
  const search = (from: State, left: readonly number[], ratings: Rating[]): State | null => {
    if (left.length === 0) return fits(from) ? from : null;
    const { plan, overrides } = from;
    const rates = left.some((at) => "costs" in calls[at]!.op) ? [...ratings, { plan, overrides }] : [];
    const here = JSON.stringify([left, from, rates], inOneOrder);
    if (deadEnds.has(here)) return null;
    const tried = new Set<string>();
    for (const at of left) {
      const { op, tag } = calls[at]!;
      const twin = JSON.stringify([op, answers[at]]);
      if (tried.has(twin) || isSweptLater(calls, at, left, from)) continue;
      tried.add(twin);
      for (const rating of "costs" in op ? rates : [{ plan, overrides }]) {
        const next = structuredClone({ ...from, ...rating });
        if (!sameAnswer(answers[at]!, play(next, op, tag, nowMs))) continue;
        if ("costs" in op) Object.assign(next, structuredClone({ plan, overrides }));
        const found = search(
          next,
          left.filter((other) => other !== at),
          rates,
        );
        if (found) return found;
      }
    }
    deadEnds.add(here);
    return null;
  };
  return search(state, [...calls.keys()], []);
}

/** A sweep takes the holds of a meter in one stroke: which of them is said to go first changes nothing. */
function isSweptLater(calls: Call[], at: number, left: readonly number[], { holds }: State): boolean {
  const sweptMeter = ({ op }: Call) => (op.do === "sweepHold" ? holds[op.hold]!.feature : null);
  const meter = sweptMeter(calls[at]!);
  return meter !== null && left.some((other) => other < at && sweptMeter(calls[other]!) === meter);
}

/** Two states are one whatever came into them first. */
function inOneOrder(_name: string, value: unknown): unknown {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Costs are rated first and drawn then: a plan may change in between, at any instant that the calls have in common. */
type Rating = Pick<State, "plan" | "overrides">;

/** Every order of a few things. */
export function orders<T>(all: T[]): T[][] {
  if (all.length < 2) return [all];
  return all.flatMap((one, at) => orders(all.toSpliced(at, 1)).map((rest) => [one, ...rest]));
}
