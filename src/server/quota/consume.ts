import { newId } from "@/lib/ids";
import type { Feature } from "@/lib/price-list";
import { actorName, type Ctx, type TenantCtx } from "../context";
import { AppError } from "../errors";
import { consumeInTransaction, type GateAnswer, gateOf } from "../ledger/gate";
import { parseInput } from "../parse";
import { type ConsumeInput, consumeInput } from "./inputs";
import { consumed, denied, type Receipt } from "./rules";

/**
 * Draws units of a meter, or takes units of a level: allowance first, then lots, then (by the meter's overflow)
 * credits. All or nothing, in one atomic round trip; with `ctx.tx`, inside the caller's transaction.
 * @throws AppError UNKNOWN_FEATURE, INVALID_INPUT, IDEMPOTENCY_CONFLICT (key used for another request), BUSY
 */
export async function consume(ctx: TenantCtx, input: ConsumeInput): Promise<Receipt> {
  const { feature, units, key, properties } = parseInput(consumeInput, input);
  requireKind(ctx, feature, ["meter", "level"]);
  const now = ctx.now();
  const id = newId("entry", now);
  const call = {
    tenantId: ctx.tenant.id,
    feature,
    units,
    // Callers' keys stand apart from the ledger's own (`window:…`, `grant:…`).
    key: key === undefined ? `auto:${id}` : `key:${key}`,
    id,
    actor: actorName(ctx.actor),
    properties: properties ?? null,
  };
  const answer = await (ctx.tx ? consumeInTransaction(ctx.tx, now, call) : gateOf(ctx).consume(call));
  return toReceipt(ctx, { feature, units }, answer);
}

function toReceipt(ctx: Ctx, asked: { feature: string; units: number }, answer: GateAnswer): Receipt {
  if (answer.status === "conflict") {
    throw new AppError("IDEMPOTENCY_CONFLICT", "This idempotency key was used for another request.", {
      hint: "Use a new key for a new request; repeat a request word for word to get its stored answer.",
    });
  }
  return answer.status === "denied" ? denied(ctx.prices, asked, answer) : consumed(asked, answer);
}

/** The feature of that id. @throws AppError UNKNOWN_FEATURE, or INVALID_INPUT when it is of another kind */
export function requireKind(ctx: Ctx, feature: string, kinds: readonly Feature["kind"][]): Feature {
  const found = Object.hasOwn(ctx.prices.features, feature) ? ctx.prices.features[feature] : undefined;
  if (!found)
    throw new AppError("UNKNOWN_FEATURE", `There is no feature "${feature}".`, {
      hint: "Feature ids stand in src/config/plans.ts.",
    });
  if (kinds.includes(found.kind)) return found;
  throw new AppError(
    "INVALID_INPUT",
    `"${feature}" is a ${found.kind}; this works on a ${kinds.join(" or ")}.`,
    {
      hint:
        found.kind === "cap" || found.kind === "flag"
          ? "Flags and caps are checked, not consumed."
          : undefined,
    },
  );
}
