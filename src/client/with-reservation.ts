import type { TollgateError } from "./tollgate-error";
import type { Answer, Asked, FeatureId } from "./wire";

/** Units set aside for the work at hand. */
export interface Reserved {
  holdId: string;
  units: number;
  /** Until when they are kept back. A later commit draws anew. */
  expiresAt: Date;
  /** Says what it really cost, in whole units; the last word counts. Without one, all that was reserved is charged. */
  spent(units: number): void;
}

export interface ReservationOptions extends Omit<Asked<"reserve">, "feature" | "units" | "costs"> {
  signal?: AbortSignal;
  /**
   * The work is done but its cost could not be booked. With this, the work's result is returned all the same, and you
   * commit `units` of the hold later; without it, the error is thrown.
   */
  onUncommitted?: (error: TollgateError, hold: { holdId: string; units: number }) => void | Promise<void>;
}

interface Gate {
  reserve(input: Asked<"reserve">, options: { signal?: AbortSignal }): Promise<Answer<"reserve">>;
  commit(input: { holdId: string; units: number }): Promise<unknown>;
  releaseHold(input: { holdId: string }): Promise<unknown>;
}

/**
 * Reserves, works, and charges what the work really cost; when the work throws, everything goes back and nothing is
 * charged. A process that dies in between charges nothing either: the hold expires.
 * @throws TollgateError when nothing can be reserved (the work is not begun); whatever the work throws
 */
export async function withReservation<T>(
  gate: Gate,
  {
    feature,
    units,
    signal,
    onUncommitted,
    ...rest
  }: { feature: FeatureId; units: number } & ReservationOptions,
  work: (reservation: Reserved) => Promise<T>,
): Promise<T> {
  const { holdId, expiresAt } = await gate.reserve({ ...rest, feature, units }, { signal });
  let actual = units;
  const spent = (really: number) => {
    actual = really;
  };
  const result = await workOrRelease(gate, holdId, () => work({ holdId, units, expiresAt, spent }));
  // An abort ends the work, not its bill: settling goes on without the caller's signal.
  try {
    await gate.commit({ holdId, units: actual });
  } catch (error) {
    if (!onUncommitted) throw error;
    await onUncommitted(error as TollgateError, { holdId, units: actual });
  }
  return result;
}

async function workOrRelease<T>(gate: Gate, holdId: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    // What can't be given back now comes back when the hold expires; the work's own error matters more.
    await gate.releaseHold({ holdId }).catch(() => undefined);
    throw error;
  }
}
