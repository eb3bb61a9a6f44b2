import { newId } from "@/lib/ids";
import { actorName, type Ctx, type TenantCtx } from "../context";
import { AppError } from "../errors";
import type { GateAnswer } from "../ledger/answer";
import { consumeInTransaction, gateOf } from "../ledger/gate";
import { storedAnswer } from "../ledger/stored-answer";
import { parseInput } from "../parse";
import { requireKind } from "../plans/feature-kind";
import { asking } from "./asking";
import { type ConsumeInput, consumeInput } from "./inputs";
import { rateCosts } from "./rate";
import { aboveCeiling, consumed, denied, isAboveCeiling, type Receipt } from "./rules";

/**
 * Draws units of a meter, or takes units of a level: allowance first, then lots, then (by the meter's overflow)
 * credits or overage. All or nothing, in one atomic round trip; with `ctx.tx`, inside the caller's transaction.
 * @throws AppError UNKNOWN_FEATURE, INVALID_INPUT, IDEMPOTENCY_CONFLICT (key used for another request), BUSY
 */
export async function consume(ctx: TenantCtx, input: ConsumeInput): Promise<Receipt> {
  const asked = parseInput(consumeInput, input);
  const { kind } = requireKind(ctx, asked.feature, ["meter", "level", "pooled"]);
  const { feature, units, breakdown, ceiling, planVersion } =
    kind === "pooled" || asked.costs ? await rateCosts(ctx, asked) : plain(asked);
  const now = ctx.now();
  const call = {
    tenantId: ctx.tenant.id,
    feature,
    units,
    key: storedKey(asked.key),
    id: newId("entry", now),
    actor: actorName(ctx.actor),
    properties: asked.properties ?? null,
    breakdown,
    confirmed: asked.confirmed ?? false,
    keepDenial: asked.recordDenial ?? false,
  };
  if (isAboveCeiling(units, ceiling)) {
    const stored = await storedAnswer(ctx, "consume", call);
    if (stored) return toReceipt(ctx, { feature, units }, stored);
    return aboveCeiling(ctx.prices, { feature: asked.feature, units }, ceiling, planVersion);
  }
  const answer = await asking(ctx, () =>
    ctx.tx ? consumeInTransaction(ctx.tx, now, call) : gateOf(ctx).consume(call),
  );
  return toReceipt(ctx, { feature, units }, answer);
}

/** Callers' keys stand apart from the ledger's own (`window:…`, `grant:…`). */
export const storedKey = (key: string | undefined): string | null =>
  key === undefined ? null : `key:${key}`;

/** A meter or level counts its own units: no rate, no question to the database. */
export const plain = (asked: { feature: string; units?: number }) => ({
  feature: asked.feature,
  units: asked.units ?? 1,
  breakdown: null,
  ceiling: null,
  planVersion: null,
});

/** @throws AppError IDEMPOTENCY_CONFLICT */
export function toReceipt(ctx: Ctx, asked: { feature: string; units: number }, answer: GateAnswer): Receipt {
  if (answer.status === "conflict") throw keyConflict();
  return answer.status === "denied" ? denied(ctx.prices, asked, answer) : consumed(ctx.prices, asked, answer);
}

export function keyConflict(): AppError {
  return new AppError("IDEMPOTENCY_CONFLICT", "This idempotency key was used for another request.", {
    hint: "Use a new key for a new request; repeat a request word for word to get its stored answer.",
  });
}
