import type { TenantCtx } from "@/server/context";
import { verifyBooks } from "@/server/ledger/books";
import { agrees, Disagreement, difference, show } from "../model/compare";
import { forget, newTenant, type Stage } from "../stage";
import { makeCodes } from "./codes";
import { perform } from "./engine";
import { breachesOf } from "./laws";
import { Names } from "./names";
import type { Answer, Op } from "./ops";
import { firstState, happen, play } from "./play";
import { prices } from "./prices";
import { deedOf, resolve } from "./resolve";
import { differences, type Snapshot, takeSnapshot } from "./snapshot";
import type { State } from "./state";
import { edges, type History, type Step } from "./steps";

interface Session {
  stage: Stage;
  ctx: TenantCtx;
  names: Names;
  state: State;
  nowMs: number;
  /** Calls that may be repeated word for word. */
  asked: Op[];
}

interface Call {
  op: Op;
  tag: string;
  nowMs: number;
}

/**
 * Plays a history against the engine and the model, and compares every answer and every balance, then the books and
 * what must hold of any history.
 * @throws Disagreement saying where they part
 */
export async function playHistory(stage: Stage, history: History): Promise<void> {
  const ofPolicy = { ...stage, prices: prices[history.policy] };
  const clock = { ms: history.startMs };
  await makeCodes(stage);
  const ctx = await newTenant(ofPolicy, () => new Date(clock.ms));
  const session: Session = {
    stage,
    ctx,
    names: new Names(),
    state: firstState(history),
    nowMs: history.startMs + 1,
    asked: [],
  };
  try {
    for (const [at, step] of history.steps.entries()) {
      await playStep(session, step, at);
      clock.ms = session.nowMs;
    }
    for (const job of ["cron", "write off"] as const)
      await playCalls(session, [{ op: { do: job }, tag: job }]);
    // The instant of the last call: at the next, something more may be over that nobody has written off.
    clock.ms = session.nowMs - 1;
    const breaches = [...(await verifyBooks(ctx)), ...(await breachesOf(session))];
    if (breaches.length > 0) throw new Disagreement(`The books don't balance: ${show(breaches)}`);
  } finally {
    await forget(stage, ctx.tenant.id);
  }
}

async function playStep(session: Session, step: Step, at: number): Promise<void> {
  const endsMs = Date.UTC(new Date(session.nowMs).getUTCFullYear(), 11, 20);
  const goTo = (ms: number) => {
    // All in one year: what windows do to allowances is another part's business.
    session.nowMs = Math.min(Math.max(session.nowMs, ms), endsMs);
  };
  if (step.do === "wait") return goTo(session.nowMs + step.ms);
  if (step.do === "wait for an edge") {
    const ahead = edges(session.state, session.nowMs);
    const edge = ahead[step.at % Math.max(ahead.length, 1)];
    return edge === undefined ? undefined : goTo(edge + step.besideMs);
  }
  if (step.do === "happens") {
    const deed = deedOf(session.state, step.what);
    if (!deed) return;
    happen(session.state, deed, `${at}`);
    if (step.what.seen)
      await playCalls(session, [{ op: { do: "look", orders: [deed.order] }, tag: `${at}` }]);
    return;
  }
  const calls = step.wishes.flatMap((wish, place) => {
    const tag = `${at}.${place}`;
    return resolve(session.state, session.asked, wish, tag).map((op) => ({ op, tag }));
  });
  await playCalls(session, calls);
  for (const [place, wish] of step.wishes.entries())
    if (wish.do === "buy")
      await playCalls(session, [
        { op: { do: "fulfil", order: `${at}.${place}`, tellers: 1 }, tag: `${at}+` },
      ]);
}

/** Each call has an instant of its own: lots that nothing tells apart would be drawn in an order that nobody promises. */
async function playCalls(session: Session, asked: { op: Op; tag: string }[]): Promise<void> {
  if (asked.length === 0) return;
  // None of those instants lies beyond an edge that others are before: what is over stays over.
  for (let edge = edges(session.state, session.nowMs)[0]; asked.length > 1 && edge !== undefined; ) {
    if (edge >= session.nowMs + asked.length) break;
    session.nowMs = edge;
    edge = edges(session.state, edge)[0];
  }
  const calls = asked.map((call, at) => ({ ...call, nowMs: session.nowMs + at }));
  const { ctx, names, stage, state } = session;
  const said = await Promise.all(
    calls.map(({ op, tag, nowMs }) => perform({ ...ctx, now: () => new Date(nowMs) }, names, state, op, tag)),
  );
  session.nowMs += calls.length;
  const after = await takeSnapshot(stage, ctx.tenant.id);
  const found = orders(calls.map((call, at) => ({ ...call, said: said[at]! }))).map((order) =>
    compared(state, order, after, names),
  );
  const best = found.reduce((a, b) => (b.differ.length < a.differ.length ? b : a));
  if (best.differ.length > 0) {
    const at = new Date(session.nowMs).toISOString();
    throw new Disagreement(`At ${at} the engine and the model disagree:\n${best.lines.join("\n")}`);
  }
  session.state = best.end;
  session.asked.push(...calls.map(({ op }) => op).filter((op) => REPEATED.has(op.do)));
}

const REPEATED = new Set<Op["do"]>([
  "grant",
  "take back",
  "correct",
  "redeem",
  "consume",
  "reserve",
  "commit",
  "release",
  "refund",
  "fulfil",
  "look",
]);

function compared(from: State, calls: (Call & { said: Answer })[], after: Snapshot, names: Names) {
  const end = structuredClone(from);
  const words = (sources: string[]) => sources.map((source) => names.modelSourceOf(source));
  const { lots, debts, payers } = after.byId;
  end.byId = { lots: words(lots), debts: words(debts), payers: words(payers) };
  const differ: string[] = [];
  const lines: string[] = [];
  for (const { op, tag, nowMs, said } of calls) {
    const expected = play(end, op, tag, nowMs);
    const same = said.error === expected.error && agrees(said, expected);
    const differs = same ? [] : difference(said, expected);
    differ.push(...(same ? [] : [tag]), ...differs);
    lines.push(`${tag} ${show(op)}\n    ${differs.join("\n    ") || "as the model says"}`);
  }
  const balances = differences(after, end, names);
  return { end, differ: [...differ, ...balances], lines: [...lines, ...balances] };
}

/** Every order of a few calls: what happened at once is right when one of them explains it. */
function orders<T>(all: T[]): T[][] {
  if (all.length < 2) return [all];
  return all.flatMap((one, at) => orders(all.toSpliced(at, 1)).map((rest) => [one, ...rest]));
}
