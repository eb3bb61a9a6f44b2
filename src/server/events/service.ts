import { newId } from "@/lib/ids";
import { actorName, type TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { auditEvents } from "./tables";

type WritingCtx = TenantCtx & { tx: Tx };

/** Writes who did what, in the caller's transaction: no deed without its row, and no row without the deed. */
export async function audit(
  ctx: WritingCtx,
  event: { action: string; subject?: string; details?: Record<string, unknown> },
): Promise<void> {
  const now = ctx.now();
  await ctx.tx.insert(auditEvents).values({
    tenantId: ctx.tenant.id,
    id: newId("auditEvent", now),
    action: event.action,
    actor: actorName(ctx.actor),
    subject: event.subject ?? null,
    details: event.details ?? null,
    createdAt: now,
  });
}
