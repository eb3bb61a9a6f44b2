import type { FeatureId, prices } from "@/config/plans";
import { AppError } from "../errors";

type Features = typeof prices.features;

type OfKind<Kind extends string> = {
  [Id in FeatureId]: Features[Id]["kind"] extends Kind ? Id : never;
}[FeatureId];

/** Whole numbers by kind of cost, for a feature that draws on a shared meter. */
export type Costs = Record<string, number>;

/**
 * `.meta({ quota })`: what one call of a procedure costs. Functions get the checked input; say what it is:
 * `units: (input: SendInput) => input.size`.
 */
export type QuotaPolicy = {
  /** Whole units above 0; 1 unless told. */
  units?: number | ((input: never) => number);
  /** Instead of units, for a feature that draws on a shared meter. */
  costs?: Costs | ((input: never) => Costs);
  /**
   * What the units are the price of. `"call"` unless told; a list that the input holds makes them the price of each
   * of its items: `units: 1, per: (input: SendInput) => input.recipients`. An empty list is refused.
   */
  per?: "call" | ((input: never) => readonly unknown[]);
  /** Names the work (an order's id), so that it is done and charged once, whatever `Idempotency-Key` the caller sends. */
  key?: (input: never) => string;
  /** Whether a person agreed to go past a limit that asks first. */
  confirmed?: (input: never) => boolean;
} & (
  | {
      /** Charged in one transaction with the work: both are made, or neither. For work inside this database. */
      mode: "consume";
      feature: OfKind<"meter" | "level" | "pooled">;
    }
  | {
      /** Set aside before, charged after with what was really used. For work outside: models, mail, other APIs, streams. */
      mode: "reserve";
      feature: OfKind<"meter" | "pooled">;
      /** After which the caller gets TIMED_OUT and the reservation expires; 1 to 86,400, 900 unless told. */
      timeoutSeconds?: number;
      /** What happens with units used past the reservation, see `reserve`; `reject` unless told. */
      overflow?: "reject" | "cap" | "overflow";
    }
);

export type ReservePolicy = QuotaPolicy & { mode: "reserve" };

/** What a call asks of the gate. */
export interface Asked {
  feature: string;
  units?: number;
  costs?: Costs;
  confirmed?: boolean;
}

/** A call's price by its policy. @throws AppError INVALID_INPUT when it is the price of no item at all */
export function askedOf(policy: QuotaPolicy, input: unknown): Asked {
  const { feature, units, costs, per = "call", confirmed } = policy;
  const of = <T>(value: T | ((input: never) => T)): T =>
    value instanceof Function ? value(input as never) : value;
  const times = per === "call" ? 1 : per(input as never).length;
  if (times === 0) throw new AppError("INVALID_INPUT", "There is nothing to be done in this request.");
  return {
    feature,
    ...(costs === undefined ? { units: of(units ?? 1) * times } : { costs: timesEach(of(costs), times) }),
    ...(confirmed ? { confirmed: confirmed(input as never) } : {}),
  };
}

const timesEach = (costs: Costs, times: number): Costs =>
  Object.fromEntries(Object.entries(costs).map(([kind, amount]) => [kind, amount * times]));
