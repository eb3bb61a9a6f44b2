/** What can be asked of the engine, with everything resolved: a hold, an entry or a lease is named by the call that made it. */
export type Op =
  | Take
  | { do: "check"; feature: string; units?: number; costs?: Costs; confirmed?: boolean }
  | Reserve
  | { do: "commit"; hold: string; units: number }
  | { do: "releaseHold"; hold: string }
  | { do: "sweepHolds" }
  | { do: "refund"; entry: string; units?: number; key: string; lapsed?: "forfeit" | "regrant" }
  | { do: "grant"; unit: string; amount: number; kind: LotKind; source: string; expiresInMs: number | null }
  | { do: "give"; feature: string; units: number; key: string }
  | { do: "recount"; feature: string; count: number }
  | { do: "acquire"; key: string; seconds: number }
  | { do: "heartbeat"; lease: string }
  | { do: "releaseLease"; lease: string }
  | { do: "sweepLeases" }
  | { do: "rollDue" }
  | { do: "entitle"; plan: string; anchorInMs: number | null; interval?: "month" | "year" }
  | { do: "moveTo"; timeZone: string }
  | { do: "override"; feature: string; limit: number | null; expiresInMs: number | null }
  | { do: "endOverride"; feature: string }
  | { do: "spendCap"; feature: string; minor: number | null }
  | { do: "block"; reason: "past_due" | "suspended" | null };

export type Costs = Record<string, number>;
export type LotKind = "replenish" | "trial" | "promo" | "compensation" | "purchase";
export type OverflowPolicy = "reject" | "cap" | "overflow";

export interface Take {
  do: "consume";
  feature: string;
  units?: number;
  costs?: Costs;
  key?: string;
  confirmed?: boolean;
  keepDenial?: boolean;
}

export interface Reserve {
  do: "reserve";
  feature: string;
  units?: number;
  costs?: Costs;
  key?: string;
  seconds: number;
  overflow: OverflowPolicy;
  confirmed?: boolean;
}

/** What a call says, in words that the engine and the model share: ids are tags, lots are sources, instants milliseconds. */
export type Answer = Record<string, unknown>;

/** The name of a lot that is not there yet: a check may count on what the next call's roll would make. */
export const NOT_YET = "not yet";
