/** Something the simulator sent that does not match the schemas of the installed `stripe` package. */
export interface Violation {
  where: "response" | "event";
  /** The endpoint or the event type. */
  subject: string;
  problems: string[];
}

/** Which part of all events (0 to 1) is never delivered, delivered twice, or delivered late. */
export interface DeliveryChance {
  seed: string;
  drop: number;
  duplicate: number;
  late: number;
  /** How late (real time). */
  lateMs: number;
}

/** How webhooks misbehave. */
export interface DeliveryMode {
  /** Event types that are never delivered; `*` drops all. */
  drop: string[];
  /** Deliver everything twice. */
  duplicate: boolean;
  /** Deliver each waiting batch newest first. */
  reverse: boolean;
  /** Keep deliveries until this is switched off. */
  hold: boolean;
  /** Wait this long (real time) before the first try. */
  delayMs: number;
  /** Misfortune that hits some events, always the same ones for a seed; null spares them all. */
  chance: DeliveryChance | null;
  /** Answer API requests only after this long; a second request with the same key gets 409 meanwhile. */
  apiDelayMs: number;
}

export const DEFAULT_MODE: DeliveryMode = {
  drop: [],
  duplicate: false,
  reverse: false,
  hold: false,
  delayMs: 0,
  chance: null,
  apiDelayMs: 0,
};

/**
 * How the next API requests fail: `429`, `500` and `close-before` before execution, `timeout` and `close` after it,
 * with the answer lost.
 */
export type ApiFault = "429" | "500" | "close-before" | "timeout" | "close";

/** What happens after a renewal fails. */
export interface Dunning {
  /** Days from each failed attempt to the next. */
  retryDays: number[];
  /** The subscription's fate after the last retry. */
  finally: "cancel" | "unpaid" | "past_due";
  /** The fate of the invoice itself; it stays open unless told. */
  invoice?: "open" | "uncollectible";
}

/** Most refunds succeed at once; some wait for the bank, and some are refused by it. */
export type RefundStart = "pending" | "failed";

/** The knobs of one simulator. */
export interface Settings {
  mode: DeliveryMode;
  /** How many of the next charges are declined, whatever the card. */
  declineNext: number;
  /** One for each of the next requests; null lets one pass. */
  apiFaults: Array<ApiFault | null>;
  /** How the next refunds begin; `succeeded` once there are none. */
  nextRefunds: RefundStart[];
  dunning: Dunning;
  retry: { baseMs: number; maxAttempts: number; timeoutMs: number };
}
