import { newId } from "@/lib/ids";
import { actorName, type TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { auditEvents, outbox } from "./tables";

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

/** Leaves a message for the world outside, once per fact, in the caller's transaction. */
export async function publish(
  ctx: WritingCtx,
  message: { fact: string; type: string; payload: Record<string, unknown> },
): Promise<void> {
  const now = ctx.now();
  await ctx.tx
    .insert(outbox)
    .values({ tenantId: ctx.tenant.id, id: newId("message", now), ...message, createdAt: now })
    .onConflictDoNothing({ target: [outbox.tenantId, outbox.fact] });
}
