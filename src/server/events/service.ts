import { newId } from "@/lib/ids";
import { actorName, type TenantCtx } from "../context";
import type { Tx } from "../db/client";
import type { Facts, FactType } from "./facts";
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

/**
 * Writes a fact that wants to be told outside the database, in the transaction that makes it: once, whoever else tells
 * the same. @returns whether it is new
 */
export async function tell<T extends FactType>(
  ctx: WritingCtx,
  fact: { type: T; fact: string; payload: Facts[T] },
): Promise<boolean> {
  const now = ctx.now();
  const told = await ctx.tx
    .insert(outbox)
    .values({ tenantId: ctx.tenant.id, id: newId("message", now), ...fact, createdAt: now })
    .onConflictDoNothing({ target: [outbox.tenantId, outbox.fact] })
    .returning({ id: outbox.id });
  return told.length === 1;
}
