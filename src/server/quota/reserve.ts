import { and, eq, sql } from "drizzle-orm";
import { newId } from "@/lib/ids";
import { actorName, type TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { gateRow } from "../ledger/gate";
import { storedAnswer } from "../ledger/stored-answer";
import { holds } from "../ledger/tables";
import { parseInput } from "../parse";
import { requireKind } from "../plans/feature-kind";
import { asking } from "./asking";
import { plain, storedKey, toReceipt } from "./consume";
import { type ReserveInput, reserveInput } from "./inputs";
import { rateCosts } from "./rate";
import { aboveCeiling, type Consumed, type Denied, isAboveCeiling, type Receipt } from "./rules";

/** Units set aside: settle them with `commit` or `releaseHold` before they are free again. */
export interface Reserved extends Consumed {
  holdId: string;
  expiresAt: Date;
}

/**
 * Draws units into a hold: nobody else can spend them while it is open. They come back when it is released or
 * expires; `commit` charges what was really used. One round trip; joins `ctx.tx`.
 * @throws AppError UNKNOWN_FEATURE, INVALID_INPUT, IDEMPOTENCY_CONFLICT, BUSY
 */
export async function reserve(ctx: TenantCtx, input: ReserveInput): Promise<Reserved | Denied> {
  const { key, properties, confirmed, expiresInSeconds, overflow, ...asked } = parseInput(
    reserveInput,
    input,
  );
  const { kind } = requireKind(ctx, asked.feature, ["meter", "pooled"]);
  const { feature, units, breakdown, ceiling, planVersion } =
    kind === "pooled" || asked.costs ? await rateCosts(ctx, asked) : plain(asked);
  const now = ctx.now();
  const expiresAt = new Date(now.getTime() + expiresInSeconds * 1_000);
  const json = (value: object | null | undefined) => (value ? JSON.stringify(value) : null);
  if (isAboveCeiling(units, ceiling)) {
    const call = { feature, units, key: storedKey(key), properties: properties ?? null, breakdown };
    const stored = await storedAnswer(ctx, "hold", call);
    if (!stored) return aboveCeiling(ctx.prices, { feature: asked.feature, units }, ceiling, planVersion);
    return reserved(ctx, toReceipt(ctx, { feature, units }, stored), expiresAt);
  }
  const answer = await inTenant(ctx, (tx, inner) =>
    asking(inner, () =>
      gateRow(
        tx,
        sql`gate_reserve(${now.toISOString()}::timestamptz, ${ctx.tenant.id}, ${feature}, ${units}::bigint, ${storedKey(key)}, ${newId("entry", now)}, ${actorName(ctx.actor)}, ${json(properties)}::text::jsonb, ${json(breakdown)}::text::jsonb, ${confirmed ?? false}, ${expiresAt.toISOString()}::timestamptz, ${overflow})`,
      ),
    ),
  );
  return reserved(ctx, toReceipt(ctx, { feature, units }, answer), expiresAt);
}

/** A hold that was made before expires when it did then. */
async function reserved(ctx: TenantCtx, receipt: Receipt, expiresAt: Date): Promise<Reserved | Denied> {
  if (!receipt.allowed) return receipt;
  const holdId = receipt.entryId;
  if (!receipt.replayed) return { ...receipt, holdId, expiresAt };
  const [hold] = await inTenant(ctx, (tx) =>
    tx
      .select({ expiresAt: holds.expiresAt })
      .from(holds)
      .where(and(eq(holds.tenantId, ctx.tenant.id), eq(holds.id, holdId))),
  );
  return { ...receipt, holdId, expiresAt: hold?.expiresAt ?? expiresAt };
}
