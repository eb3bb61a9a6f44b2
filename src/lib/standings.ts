/** Where a feature stands after a call: what an answer says, so that nobody has to ask a second time. */
export interface Standing {
  feature: string;
  /** Of this window's allowance; of a level or lease, how many are held. */
  used: number;
  /** null: unlimited. */
  limit: number | null;
  /** null: has no window. */
  resetsAt: Date | null;
  /** What this request drew elsewhere; negative: gave back. */
  moved: Moved;
  /** Whether the tenant may use it at all, whatever is left; null: the call had no say in that. */
  blocked: boolean | null;
  /** Something earlier was settled or refunded: what went past the allowance may have moved in ways not told here. */
  settled: boolean;
  /** The server's clock at the decision: tells the newer of two answers. */
  at: Date;
}

export interface Moved {
  /** From lots of the feature's own unit. */
  lots: number;
  credits: number;
  /** Units past the allowance, whatever paid for them … */
  beyond: number;
  /** … and those of them that nothing covered. */
  over: number;
}

const MOVED = ["lots", "credits", "beyond", "over"] as const;

/** `RateLimit` knows windows only and rounds to seconds; this one is exact, and speaks of levels and leases too. */
export const STANDINGS_HEADER = "Tollgate-Quota";

const MEMBER = /^\s*"([a-z][a-z0-9_]*)"((?:\s*;\s*[a-z]+(?:=-?\d{1,16})?)*)\s*$/;
const PARAMETER = /;\s*([a-z]+)(?:=(-?\d+))?/g;

/** As a structured field (RFC 9651): `"compute";used=85;limit=100;resets=1795859130000;at=1795254330123`. */
export function writeStandings(standings: readonly Standing[]): string {
  return standings.map(writeStanding).join(", ");
}

/** What an answer's header says. Members that are not understood are left out: the caller then knows what it knew. */
export function readStandings(header: string | null): Standing[] {
  return (header ?? "").split(",").flatMap((member) => readStanding(member) ?? []);
}

function writeStanding(standing: Standing): string {
  const { feature, used, limit, resetsAt, moved, blocked, settled, at } = standing;
  return [
    `"${feature}"`,
    `used=${used}`,
    ...(limit === null ? [] : [`limit=${limit}`]),
    ...(resetsAt ? [`resets=${resetsAt.getTime()}`] : []),
    ...MOVED.filter((what) => moved[what] !== 0).map((what) => `${what}=${moved[what]}`),
    ...(blocked === null ? [] : [`blocked=${blocked ? 1 : 0}`]),
    ...(settled ? ["settled"] : []),
    `at=${at.getTime()}`,
  ].join(";");
}

function readStanding(member: string): Standing | null {
  const [, feature, rest] = MEMBER.exec(member) ?? [];
  if (!feature || rest === undefined) return null;
  const given = new Map([...rest.matchAll(PARAMETER)].map(([, name, value]) => [name, value]));
  const number = (name: string) => (given.get(name) === undefined ? null : Number(given.get(name)));
  const used = number("used");
  const at = number("at");
  if (used === null || at === null) return null;
  const resets = number("resets");
  return {
    feature,
    used,
    limit: number("limit"),
    resetsAt: resets === null ? null : new Date(resets),
    moved: {
      lots: number("lots") ?? 0,
      credits: number("credits") ?? 0,
      beyond: number("beyond") ?? 0,
      over: number("over") ?? 0,
    },
    blocked: number("blocked") === null ? null : number("blocked") !== 0,
    settled: given.has("settled"),
    at: new Date(at),
  };
}

/** Units left of a limit, and the share used in whole per cent, rounded down; null when unlimited. */
export function leftOf(
  used: number,
  limit: number | null,
): { remaining: number | null; percent: number | null } {
  if (limit === null) return { remaining: null, percent: null };
  const percent = limit === 0 ? 100 : Number((BigInt(used) * 100n) / BigInt(limit));
  return { remaining: Math.max(limit - used, 0), percent };
}
