import { type Moved, STANDINGS_HEADER, type Standing, writeStandings } from "@/lib/standings";
import type { Consumed } from "../quota/rules";
import type { Settled } from "../quota/settled";

/** What a verb answered of a meter, level or lease. */
export type Told = Pick<Consumed, "feature" | "used" | "limit" | "resetsAt"> &
  Partial<Pick<Consumed, "windowStartsAt" | "replayed" | "units" | "drawn" | "overUnits">> &
  Partial<Pick<Settled, "returned">> & {
    /** Why something was refused. */
    reason?: string | null;
  };

interface AnsweringCtx {
  now: () => Date;
  request: { resHeaders: Headers };
}

interface Line {
  standing: Standing;
  windowStartsAt: Date | null;
}

/** By feature. Calls of one batch share their answer's headers, so each adds to what the others said. */
const linesOf = new WeakMap<Headers, Map<string, Line>>();

/**
 * Says in the answer's headers what is left: `RateLimit` and `RateLimit-Policy` for windows, `Tollgate-Quota` for
 * everything, as lists with one member per feature. A stored receipt says nothing: it is of another time.
 * Call it with what holds in the end: not before the transaction that moved it is sure to commit.
 */
export function tellStanding({ now, request }: AnsweringCtx, told: Told): void {
  if (told.replayed) return;
  const at = now();
  const lines = linesOf.get(request.resHeaders) ?? new Map<string, Line>();
  linesOf.set(request.resHeaders, lines);
  const before = lines.get(told.feature)?.standing;
  const { feature, used, limit, resetsAt, windowStartsAt = null } = told;
  const standing = {
    feature,
    used,
    limit,
    resetsAt,
    moved: sum(movedBy(told), before?.moved ?? UNMOVED),
    blocked: blockedBy(told),
    settled: told.returned !== undefined || before?.settled === true,
    at,
  };
  lines.set(feature, { standing, windowStartsAt });
  writeHeaders(request.resHeaders, [...lines.values()]);
}

function writeHeaders(headers: Headers, lines: readonly Line[]): void {
  headers.set(STANDINGS_HEADER, writeStandings(lines.map(({ standing }) => standing)));
  const windows = lines.flatMap(rateLimit);
  if (windows.length === 0) return;
  headers.set("RateLimit-Policy", windows.map(({ policy }) => policy).join(", "));
  headers.set("RateLimit", windows.map(({ left }) => left).join(", "));
}

/** The largest number that a structured field may hold. */
const MAX_FIELD = 999_999_999_999_999;

/**
 * IETF draft-ietf-httpapi-ratelimit-headers: q the window's allowance, w its length and t the time to its end, in whole
 * seconds. What is unlimited, or has no window or one that is over, has none.
 */
function rateLimit({ standing, windowStartsAt }: Line): { policy: string; left: string }[] {
  const { feature, used, limit, resetsAt, at } = standing;
  if (limit === null || resetsAt === null || resetsAt <= at) return [];
  const quota = Math.min(limit, MAX_FIELD);
  const left = Math.min(Math.max(limit - used, 0), MAX_FIELD);
  const width = windowStartsAt ? `;w=${seconds(windowStartsAt, resetsAt)}` : "";
  return [
    { policy: `"${feature}";q=${quota}${width}`, left: `"${feature}";r=${left};t=${seconds(at, resetsAt)}` },
  ];
}

const seconds = (from: Date, to: Date) => Math.max(0, Math.ceil((to.getTime() - from.getTime()) / 1000));

const UNMOVED: Moved = { lots: 0, credits: 0, beyond: 0, over: 0 };

function movedBy({ units = 0, drawn, returned, overUnits = 0 }: Told): Moved {
  // Places of a level that were given back: those past the limit went first.
  if (!drawn) return { ...UNMOVED, beyond: overUnits, over: overUnits };
  const credits = drawn.credits - (returned?.credits ?? 0);
  const lots = total(drawn) - total(returned) - credits;
  return { lots, credits, beyond: returned ? overUnits : units - drawn.allowance, over: overUnits };
}

const total = (moved: Told["drawn"]) => moved?.lots.reduce((sum, { units }) => sum + units, 0) ?? 0;

/** Only a call that wants to use something is stopped for it, or let through. */
function blockedBy({ reason, drawn, returned }: Told): boolean | null {
  if (reason?.startsWith("blocked")) return true;
  return (drawn || reason) && !returned ? false : null;
}

const sum = (a: Moved, b: Moved): Moved => ({
  lots: a.lots + b.lots,
  credits: a.credits + b.credits,
  beyond: a.beyond + b.beyond,
  over: a.over + b.over,
});
