import type { Line } from "./state";

export type GrantKind = "trial" | "promo" | "compensation" | "adjustment" | "purchase";

/** What can be asked of the engine, with everything resolved: an entry or a hold is named by the call that made it. */
export type Op =
  | { do: "grant"; kind: GrantKind; units: number; source: string; expiresInMs: number | null }
  /** So many of a lot shall be back in all. */
  | { do: "take back"; source: string; target: number }
  /** An operator takes so many more, of one lot or of the newest grants. */
  | { do: "correct"; units: number; source?: string }
  | { do: "redeem"; code: string }
  | { do: "consume"; feature: string; units: number; key: string }
  | { do: "reserve"; feature: string; units: number; key: string; seconds: number }
  | { do: "commit"; hold: string; units: number }
  | { do: "release"; hold: string }
  | { do: "refund"; entry: string; units?: number; key: string }
  | { do: "place"; lines: Line[] }
  /** By so many at once. */
  | { do: "fulfil"; order: string; tellers: number }
  /** Our side looks at what Stripe has of these orders' refunds and disputes. */
  | { do: "look"; orders: string[] }
  | { do: "settle" }
  | { do: "write off" }
  | { do: "cron" }
  /** Which plan pays for the next call. */
  | { do: "plan" };

/** What happens at Stripe, or in the world: our side hears nothing of it. */
export type Deed =
  | { do: "refunded"; order: string; amountMinor: number; status: "pending" | "succeeded" }
  | { do: "refund settled"; order: string; at: number; status: "succeeded" | "failed" }
  | { do: "disputed"; order: string; amountMinor: number }
  | { do: "dispute closed"; order: string; at: number; status: "won" | "lost" };

/** What a call says, in words that the engine and the model share. */
export type Answer = Record<string, unknown>;
