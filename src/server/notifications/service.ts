import { and, count, desc, eq, isNull, lt, lte } from "drizzle-orm";
import { logError } from "@/lib/log";
import { workspace } from "../accounts/service";
import type { TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { inTenant } from "../db/transaction";
import { outbox } from "../events/tables";
import { parseInput } from "../parse";
import {
  type ListNotificationsInput,
  listNotificationsInput,
  type MarkReadInput,
  markReadInput,
} from "./inputs";
import type { About } from "./letter";
import { letterOf, letters } from "./letters";
import { personOf } from "./preferences";
import type { Topic } from "./rules";
import { notifications } from "./tables";

type WritingCtx = TenantCtx & { tx: Tx };
type Message = Pick<typeof outbox.$inferSelect, "id" | "type" | "payload" | "createdAt">;

export interface Notice {
  messageId: string;
  topic: Topic;
  title: string;
  text: string;
  /** What to do about it. `url`: a page of the workspace as a path, or a provider's page as an address. */
  action: { label: string; url: string };
  at: Date;
  readAt: Date | null;
}

/** What the signed-in person was told, the latest first, and how much of all of it is unread. @throws AppError INVALID_INPUT, FORBIDDEN */
export async function listNotifications(
  ctx: TenantCtx,
  input: ListNotificationsInput,
): Promise<{ notices: Notice[]; unread: number; nextCursor: string | null }> {
  const { cursor, limit } = parseInput(listNotificationsInput, input);
  const ofPerson = isOf(ctx);
  return inTenant(ctx, async (tx, inner) => {
    const rows = await tx
      .select({
        id: outbox.id,
        type: outbox.type,
        payload: outbox.payload,
        createdAt: outbox.createdAt,
        readAt: notifications.readAt,
      })
      .from(notifications)
      .innerJoin(
        outbox,
        and(eq(outbox.tenantId, notifications.tenantId), eq(outbox.id, notifications.messageId)),
      )
      .where(and(ofPerson, cursor ? lt(notifications.messageId, cursor) : undefined))
      .orderBy(desc(notifications.messageId))
      .limit(limit + 1);
    const about = await aboutWorkspace(inner);
    const page = rows.slice(0, limit);
    const notices = page.flatMap((row) => noticeOf(row, row.readAt, about) ?? []);
    const nextCursor = rows.length > limit ? (page.at(-1)?.id ?? null) : null;
    return { notices, unread: await unreadOf(inner), nextCursor };
  });
}

/** Marks one as read, or it and all older ones. Twice is once. @throws AppError INVALID_INPUT, FORBIDDEN */
export async function markRead(ctx: TenantCtx, input: MarkReadInput): Promise<{ unread: number }> {
  const { messageId, andOlder } = parseInput(markReadInput, input);
  const which = (andOlder ? lte : eq)(notifications.messageId, messageId);
  return inTenant(ctx, async (tx, inner) => {
    await tx
      .update(notifications)
      .set({ readAt: ctx.now() })
      .where(and(isOf(ctx), which, isNull(notifications.readAt)));
    return { unread: await unreadOf(inner) };
  });
}

const isOf = (ctx: TenantCtx) =>
  and(eq(notifications.tenantId, ctx.tenant.id), eq(notifications.userId, personOf(ctx)));

async function unreadOf(ctx: WritingCtx): Promise<number> {
  const [row] = await ctx.tx
    .select({ unread: count() })
    .from(notifications)
    .where(and(isOf(ctx), isNull(notifications.readAt)));
  return row?.unread ?? 0;
}

async function aboutWorkspace(ctx: TenantCtx): Promise<Omit<About, "at">> {
  return { workspace: await workspace(ctx), prices: ctx.prices, appUrl: ctx.appUrl };
}

/** null for what this release has no words for: one odd row must not hide the others. */
function noticeOf(message: Message, readAt: Date | null, about: Omit<About, "at">): Notice | null {
  const { id: messageId, type, payload, createdAt: at } = message;
  try {
    const { title, paragraphs, action } = letterOf(type, payload, { ...about, at });
    const ours = `${about.appUrl}/`;
    const url = action.url.startsWith(ours) ? action.url.slice(ours.length - 1) : action.url;
    const { topic } = letters[type];
    return { messageId, topic, title, text: paragraphs[0], action: { ...action, url }, at, readAt };
  } catch (error) {
    logError(`notification ${messageId}`, error);
    return null;
  }
}
