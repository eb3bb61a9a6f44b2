import type { TenantCtx } from "@/server/context";
import { verifyBooks } from "@/server/ledger/books";
import { forget, newTenant, type Stage } from "../stage";
import { Disagreement, difference, show } from "./compare";
import { Names, perform } from "./engine";
import type { Answer, Op } from "./ops";
import { firstState } from "./plans";
import { play } from "./play";
import { resolve } from "./resolve";
import { apart, type Call, orders, serialOrder, settled, withSweeps } from "./serial";
import { differences, type Snapshot, takeSnapshot } from "./snapshot";
import type { State } from "./state";
import { edges, type History, type Step } from "./steps";

/** One history as it is played: the engine's tenant, the model's state, and one clock for both. */
export interface Session {
  stage: Stage;
  ctx: TenantCtx;
  names: Names;
  state: State;
  nowMs: number;
  /** Calls that may be repeated word for word: they have a key or a source. */
  asked: Op[];
  together: Together;
}

/** How calls at once are made: all at the same time, or as a scheduler says. */
export type Together = (calls: (() => Promise<Answer>)[]) => Promise<Answer[]>;
const allAtOnce: Together = (calls) => Promise.all(calls.map((call) => call()));

/**
 * Plays a history against the engine and the model, and compares every answer, then every balance, then the books.
 * @throws Disagreement saying where they part
 */
export async function playHistory(
  stage: Stage,
  history: History,
  together: Together = allAtOnce,
): Promise<void> {
  const clock = { ms: history.startMs };
  const now = () => new Date(clock.ms);
  const ctx = await newTenant(stage, now, history.timeZone);
  const session: Session = {
    stage,
    ctx,
    names: new Names(stage, ctx.tenant.id),
    state: firstState(history),
    nowMs: history.startMs,
    asked: [],
    together,
  };
  let latestMs = clock.ms;
  try {
    for (const [at, step] of history.steps.entries()) {
      await playStep(session, step, at);
      clock.ms = session.nowMs;
      latestMs = Math.max(latestMs, clock.ms);
    }
    clock.ms = session.nowMs = latestMs;
    await finish(session);
  } finally {
    await forget(stage, ctx.tenant.id);
  }
}

/** The jobs have run once more: now everything is comparable, and the books may be asked. */
async function finish(session: Session): Promise<void> {
  for (const job of ["sweepHolds", "sweepLeases"] as const)
    await playCalls(session, [{ op: { do: job }, tag: job }]);
  const { stage, ctx, state, names } = session;
  const differ = differences(await takeSnapshot(stage, ctx.tenant.id), state, names);
  if (differ.length > 0) throw new Disagreement(`The balances differ:\n${differ.join("\n")}`);
  const breaches = await verifyBooks(ctx);
  if (breaches.length > 0) throw new Disagreement(`The books don't balance: ${show(breaches)}`);
}

async function playStep(session: Session, step: Step, at: number): Promise<void> {
  if (step.do === "wait") {
    session.nowMs += step.ms;
    return;
  }
  if (step.do === "wait for an edge") {
    const ahead = edges(session.state, session.nowMs);
    const edge = ahead[step.at % Math.max(ahead.length, 1)];
    if (edge !== undefined) session.nowMs = Math.max(session.nowMs, edge + step.besideMs);
    return;
  }
  const calls = step.wishes.flatMap((wish, place) => {
    const op = resolve(session, wish, `${at}.${place}`, place);
    return op ? [{ op, tag: `${at}.${place}` }] : [];
  });
  await playCalls(session, calls);
}

async function playCalls(session: Session, calls: { op: Op; tag: string }[]): Promise<void> {
  const made = calls.map(
    ({ op }) =>
      () =>
        perform(session.ctx, session.names, op),
  );
  await agree(session, calls, await (made.length > 1 ? session.together(made) : allAtOnce(made)));
}

/** The model says the same in some order of the calls, and goes on from there. */
async function agree(session: Session, calls: Call[], said: Answer[]): Promise<void> {
  const answers = await session.names.inWords(calls, said);
  const { state, nowMs, names } = session;
  const found =
    calls.length === 1
      ? serialOrder(state, calls, answers, nowMs, () => true)
      : await agreeAtOnce(session, calls, answers);
  if (!found) {
    const after = await takeSnapshot(session.stage, session.ctx.tenant.id);
    throw new Disagreement(explain({ state, nowMs, names }, calls, answers, after));
  }
  session.state = found;
  for (const { op } of calls)
    if (op.do === "grant" || ("key" in op && op.key !== undefined)) session.asked.push(op as Op);
}

/** Of calls at once the answers alone may leave open which came last: the balances don't. */
async function agreeAtOnce(
  { state, nowMs, names, stage, ctx }: Session,
  calls: Call[],
  answers: Answer[],
): Promise<State | null> {
  const after = await takeSnapshot(stage, ctx.tenant.id);
  const fits = (end: State) => differences(after, end, names).length === 0;
  const jobs = { state, calls, answers, nowMs };
  const parts = apart(jobs, "first");
  const order = (from: State, { calls, answers }: Pick<typeof parts, "calls" | "answers"> = parts) =>
    serialOrder(from, calls, answers, nowMs, fits);
  const later = () => {
    const between = apart(jobs, "between");
    return order(between.from, between);
  };
  const tidied = () => {
    const from = settled(parts.from, calls, nowMs);
    return order(from) ?? order(from, withSweeps(from, parts.calls, parts.answers, nowMs));
  };
  return order(parts.from) ?? tidied() ?? later();
}

/** What differs, in the order of the calls that explains most. */
function explain(
  { state, nowMs, names }: Pick<Session, "state" | "nowMs" | "names">,
  calls: Call[],
  answers: Answer[],
  after: Snapshot,
): string {
  const all = calls.map((call, at) => ({ call, answer: answers[at]! }));
  const tries = orders(all.slice(0, 4)).map((some) => {
    const next = structuredClone(state);
    const parts = [...some, ...all.slice(4)].map(({ call: { op, tag }, answer }) => {
      const differs = difference(answer, play(next, op, tag, nowMs));
      return { differs, line: `${tag} ${show(op)}\n    ${differs.join("\n    ") || "as the model says"}` };
    });
    const balances = differences(after, next, names);
    const count = parts.reduce((sum, { differs }) => sum + differs.length, balances.length);
    return { count, lines: [...parts.map(({ line }) => line), ...balances] };
  });
  const best = tries.reduce((a, b) => (b.count < a.count ? b : a));
  const order = calls.length > 1 ? " in every order; the nearest" : "";
  return [
    `At ${new Date(nowMs).toISOString()} the engine and the model disagree${order}:`,
    ...best.lines,
  ].join("\n");
}
