import { and, eq, inArray, isNull } from "drizzle-orm";
import { members } from "../accounts/tables";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { outbox } from "../events/tables";
import { letters } from "./letters";
import { isAlways, isOldNews, TOLD_ROLES } from "./rules";
import { notificationPreferences, notifications } from "./tables";

/**
 * Makes a notification of one fact for everybody in the workspace whom it concerns, due to be mailed unless they chose
 * otherwise. Once: whoever holds the fact's row writes all of them, and that it was told, in one transaction.
 * @returns how many people are told
 */
export async function tellPeople(ctx: TenantCtx, messageId: string): Promise<number> {
  const tenantId = ctx.tenant.id;
  const ofMessage = and(eq(outbox.tenantId, tenantId), eq(outbox.id, messageId));
  return inTenant(ctx, async (tx) => {
    const [message] = await tx
      .select({ type: outbox.type, createdAt: outbox.createdAt })
      .from(outbox)
      .where(and(ofMessage, isNull(outbox.sentAt)))
      .for("update", { skipLocked: true });
    if (!message) return 0;
    const now = ctx.now();
    const { topic } = letters[message.type];
    const isNews = !isOldNews(message.createdAt, now);
    const people = await tx
      .select({ userId: members.userId, mail: notificationPreferences.mail })
      .from(members)
      .leftJoin(
        notificationPreferences,
        and(
          eq(notificationPreferences.tenantId, members.tenantId),
          eq(notificationPreferences.userId, members.userId),
          eq(notificationPreferences.kind, topic),
        ),
      )
      .where(and(eq(members.tenantId, tenantId), inArray(members.role, TOLD_ROLES)));
    const rows = people.map(({ userId, mail }) => ({
      tenantId,
      userId,
      messageId,
      createdAt: now,
      mailDueAt: isNews && (mail !== false || isAlways(topic)) ? now : null,
    }));
    if (rows.length > 0) await tx.insert(notifications).values(rows).onConflictDoNothing();
    await tx.update(outbox).set({ sentAt: now }).where(ofMessage);
    return rows.length;
  });
}
