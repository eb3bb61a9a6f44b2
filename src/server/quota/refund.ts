import { sql } from "drizzle-orm";
import { newId } from "@/lib/ids";
import { actorName, type TenantCtx } from "../context";
import { parseInput } from "../parse";
import { storedKey } from "./consume";
import { type RefundInput, refundInput } from "./inputs";
import { type Settled, settle } from "./settled";

/**
 * Takes back what a consume or commit charged, wholly or in part, once per key. Units go back to the exact lots they
 * came from, last drawn first; an expired lot stays expired and a closed window closed, so those units lapse, or with
 * `lapsed: "regrant"` come as a lot that ends with the running window.
 * @throws AppError NOT_FOUND, INVALID_INPUT (nothing that was charged), CONFLICT (more than is left), IDEMPOTENCY_CONFLICT, BUSY
 */
export async function refund(ctx: TenantCtx, input: RefundInput): Promise<Settled> {
  const { entryId, units, key, reason, lapsed } = parseInput(refundInput, input);
  const now = ctx.now();
  return settle(
    ctx,
    sql`gate_refund(${now.toISOString()}::timestamptz, ${ctx.tenant.id}, ${entryId}, ${units ?? null}::bigint, ${storedKey(key)}, ${newId("entry", now)}, ${actorName(ctx.actor)}, ${reason}, ${lapsed === "regrant"})`,
    "refunded",
  );
}
