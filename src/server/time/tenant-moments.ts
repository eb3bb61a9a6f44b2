import { and, desc, eq, isNotNull } from "drizzle-orm";
import { workspace } from "../accounts/service";
import { users } from "../accounts/tables";
import type { TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { inTenant } from "../db/transaction";
import { auditEvents, outbox } from "../events/tables";
import { entries } from "../ledger/tables";
import { letterOf } from "../notifications/letters";
import { notifications } from "../notifications/tables";
import type { Moment } from "./moment";

type Home = Awaited<ReturnType<typeof workspace>>;
type WritingCtx = TenantCtx & { tx: Tx };

/** The action of an audit row that tells a story's step. */
export const STORY_STEP = "story.step";

/**
 * What happened in a workspace, the latest of each kind first.
 * @param mailbox where a mail can be read, by its id; null where it can't
 */
export async function tenantMoments(
  ctx: TenantCtx,
  limit: number,
  mailbox: (messageId: string) => string | null,
): Promise<Moment[]> {
  return inTenant(ctx, async (_tx, inner) => {
    const home = await workspace(inner);
    return [
      ...(await entryMoments(inner, home, limit)),
      ...(await deedMoments(inner, home, limit)),
      ...(await mailMoments(inner, home, limit, mailbox)),
    ];
  });
}

async function entryMoments(ctx: WritingCtx, home: Home, limit: number): Promise<Moment[]> {
  const rows = await ctx.tx
    .select()
    .from(entries)
    .where(eq(entries.tenantId, ctx.tenant.id))
    .orderBy(desc(entries.id))
    .limit(limit);
  return rows.map((row) => {
    const isReset = row.idempotencyKey?.startsWith("window:") ?? false;
    const page = row.feature === "credits" ? "credits" : "usage";
    return {
      id: row.id,
      at: row.createdAt,
      kind: isReset ? "reset" : "entry",
      title: isReset ? resetTitle(nameOf(ctx, row.feature), row) : entryTitle(nameOf(ctx, row.feature), row),
      detail: row.reason ?? row.actor,
      workspace: home,
      href: `/${home.slug}/${page}`,
    };
  });
}

type Entry = typeof entries.$inferSelect;

const nameOf = (ctx: TenantCtx, feature: string) => ctx.prices.features[feature]?.name ?? "Credits";

function resetTitle(name: string, { operation, units, grantedAfter, windowEndsAt }: Entry): string {
  if (operation === "forfeit") return `${name}: ${units} unused at the reset`;
  const until = windowEndsAt ? ` until ${windowEndsAt.toISOString().slice(0, 10)}` : "";
  return `${name}: ${grantedAfter ?? "unlimited"} again${until}`;
}

const entryTitle = (name: string, { operation, units }: Entry) =>
  `${name}: ${operation.replaceAll("_", " ")} ${units}`;

async function deedMoments(ctx: WritingCtx, home: Home, limit: number): Promise<Moment[]> {
  const rows = await ctx.tx
    .select()
    .from(auditEvents)
    .where(eq(auditEvents.tenantId, ctx.tenant.id))
    .orderBy(desc(auditEvents.id))
    .limit(limit);
  return rows.map(({ id, createdAt: at, action, actor, subject, details }) => {
    const isStory = action === STORY_STEP;
    const from = details?.from ? ` (before: ${details.from})` : "";
    return {
      id,
      at,
      kind: isStory ? "story" : "change",
      title: isStory ? String(details?.title) : `${action.replaceAll(/[._]/g, " ")}: ${subject ?? ""}${from}`,
      detail: isStory ? null : actor,
      workspace: home,
      href: `/${home.slug}/billing`,
    };
  });
}

async function mailMoments(
  ctx: WritingCtx,
  home: Home,
  limit: number,
  mailbox: (messageId: string) => string | null,
): Promise<Moment[]> {
  const rows = await ctx.tx
    .select({
      id: outbox.id,
      type: outbox.type,
      payload: outbox.payload,
      createdAt: outbox.createdAt,
      userId: notifications.userId,
      mailedAt: notifications.mailedAt,
      to: users.email,
    })
    .from(notifications)
    .innerJoin(
      outbox,
      and(eq(outbox.tenantId, notifications.tenantId), eq(outbox.id, notifications.messageId)),
    )
    .innerJoin(users, eq(users.id, notifications.userId))
    .where(and(eq(notifications.tenantId, ctx.tenant.id), isNotNull(notifications.mailedAt)))
    .orderBy(desc(notifications.messageId))
    .limit(limit);
  return rows.map(({ id, type, payload, createdAt, userId, mailedAt, to }) => {
    const { prices, appUrl } = ctx;
    const { title } = letterOf(type, payload, { workspace: home, prices, appUrl, at: createdAt });
    return {
      id: `${id}.${userId}`,
      at: mailedAt ?? createdAt,
      kind: "mail",
      title,
      detail: `to ${to}`,
      workspace: home,
      href: mailbox(`${id}.${userId}`),
    };
  });
}
