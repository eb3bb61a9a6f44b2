import { sql } from "drizzle-orm";
import type { Ctx } from "../context";
import { inTransaction } from "../db/transaction";
import { AppError } from "../errors";
import { parseInput } from "../parse";
import { type SpendTrialInput, spendTrialInput } from "./inputs";
import type { Visitor } from "./visitor";

export interface TrialSpent {
  /** Credits spent by this key. */
  units: number;
  /** Credits left right after. */
  remaining: number;
  granted: number;
  /** true: the key had been used for this already, and nothing was spent now. */
  replayed: boolean;
}

type Outcome = "spent" | "replayed" | "conflict" | "unknown" | "over" | "short";

/**
 * Spends `units` credits of a visitor's trial: all or nothing, once per key, in the caller's transaction when there
 * is one. Call it from your own public procedure before you do what it pays for.
 * @throws AppError INVALID_INPUT, NOT_FOUND (no trial begun), IDEMPOTENCY_CONFLICT, QUOTA_EXCEEDED (`no_credits`)
 */
export async function spendTrial(
  ctx: Ctx,
  { visitor, ...input }: { visitor: Visitor } & SpendTrialInput,
): Promise<TrialSpent> {
  const { units, key } = parseInput(spendTrialInput, input);
  if (!visitor.trialId) throw noTrial();
  const { outcome, granted, remaining } = await askDatabase(ctx, visitor.trialId, key, units);
  switch (outcome) {
    case "spent":
    case "replayed":
      return { units, remaining, granted, replayed: outcome === "replayed" };
    case "conflict":
      throw new AppError("IDEMPOTENCY_CONFLICT", "This key was used for another amount.");
    case "unknown":
      throw noTrial();
    case "over":
      throw noCredits("Your trial is over.", { units, granted, remaining });
    case "short":
      throw noCredits("Your trial has no credits left for this.", { units, granted, remaining });
  }
}

async function askDatabase(ctx: Ctx, trialId: string, key: string, units: number) {
  const now = ctx.now().toISOString();
  const [row] = await inTransaction(ctx, (tx) =>
    tx.execute<Record<string, string>>(
      sql`select * from trial_spend(${now}::timestamptz, ${trialId}, ${key}, ${units}::bigint)`,
    ),
  );
  return {
    outcome: row?.outcome as Outcome,
    granted: Number(row?.granted),
    remaining: Number(row?.remaining),
  };
}

function noTrial(): AppError {
  return new AppError("NOT_FOUND", "You have no trial yet. Please start one first.");
}

function noCredits(message: string, at: { units: number; granted: number; remaining: number }): AppError {
  const { units, granted, remaining } = at;
  return new AppError("QUOTA_EXCEEDED", message, {
    advice: "Sign up for free to go on.",
    denial: {
      feature: "credits",
      reason: "no_credits",
      used: granted - remaining,
      limit: granted,
      missing: units - remaining,
      resetsAt: null,
      upgradeTo: null,
      waysOut: [],
    },
  });
}
