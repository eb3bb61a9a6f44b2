import type { WindowRule } from "@/lib/time";

/** The engine's state once more, as plainly as it can be said. Instants are milliseconds. Plain data: clones by value. */
export interface State {
  plan: string;
  timeZone: string;
  interval: "month" | "year";
  anchorAtMs: number;
  meters: Record<string, Meter>;
  /** Agreed with people, by feature. One that is over may still stand here. */
  overrides: Record<string, { limit: number | null; endsAtMs: number | null }>;
  lots: Lot[];
  /** By the tag of the call that wrote them. */
  entries: Record<string, Entry>;
  holds: Record<string, Hold>;
  leases: Record<string, Lease>;
  /** What was asked with a key, and the tag of the call that carried it out. */
  keys: Record<string, { request: string; tag: string }>;
}

export interface Meter {
  feature: string;
  kind: "meter" | "level" | "lease";
  plan: string;
  allowance: number | null;
  planAllowance: number | null;
  overrideEndsAtMs: number | null;
  granted: number | null;
  used: number;
  beyond: number;
  over: number;
  window: { unit: WindowRule["unit"]; anchorAtMs: number | null } | null;
  timeZone: string;
  startsAtMs: number;
  endsAtMs: number | null;
  carriedFromMs: number;
  overflow: "deny" | "credits" | "overage";
  cost: number;
  perUnits: number;
  onLimit: "block" | "warn" | "prompt";
  spendCapMinor: number | null;
  requestCap: number;
  windowCap: number | null;
  rollover: { cap: number; windows: number } | null;
  blocked: string | null;
  alerted: number;
}

export interface Lot {
  source: string;
  unit: string;
  granted: number;
  remaining: number;
  priority: number;
  startsAtMs: number;
  expiresAtMs: number | null;
  /** Settles what nothing else does: the one made first is spent first. */
  order: number;
}

/** What a call moved. What is given back is negative. */
export interface Draw {
  allowance: number;
  lots: number;
  credits: number;
  beyond: number;
  over: number;
  /** Source and units, in draw order. */
  from: [source: string, units: number][];
}

export interface Entry extends Draw {
  tag: string;
  operation: string;
  feature: string;
  units: number;
  uncharged: number;
  root: string | null;
  used: number;
  granted: number | null;
  startsAtMs: number;
  endsAtMs: number | null;
  plan: string;
  crossed: number | null;
}

export interface Hold {
  tag: string;
  feature: string;
  units: number;
  status: "open" | "committed" | "released" | "expired";
  overflow: "reject" | "cap" | "overflow";
  expiresAtMs: number;
  /** The call that settled it, and the units it said. */
  settledBy: string | null;
  actual: number | null;
}

export interface Lease {
  tag: string;
  feature: string;
  key: string;
  heartbeatAtMs: number;
  expiresAtMs: number;
  ended: "released" | "expired" | null;
}

export const nothing = (): Draw => ({ allowance: 0, lots: 0, credits: 0, beyond: 0, over: 0, from: [] });
