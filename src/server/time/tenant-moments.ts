import { desc, eq } from "drizzle-orm";
import { workspace } from "../accounts/service";
import type { TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { inTenant } from "../db/transaction";
import { auditEvents } from "../events/tables";
import { entries } from "../ledger/tables";
import type { Moment } from "./moment";

type Home = Awaited<ReturnType<typeof workspace>>;
type WritingCtx = TenantCtx & { tx: Tx };

/** The action of an audit row that tells a story's step. */
export const STORY_STEP = "story.step";

/** What happened in a workspace, the latest of each kind first. */
export async function tenantMoments(ctx: TenantCtx, limit: number): Promise<Moment[]> {
  return inTenant(ctx, async (_tx, inner) => {
    const home = await workspace(inner);
    return [...(await entryMoments(inner, home, limit)), ...(await deedMoments(inner, home, limit))];
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
    const { id, createdAt: at, feature, reason, actor } = row;
    // What a level is given has no window, so it never resets.
    const isReset = row.windowEndsAt !== null && row.idempotencyKey?.startsWith("window:") === true;
    const name = ctx.prices.features[feature]?.name ?? "Credits";
    return {
      id,
      at,
      kind: isReset ? "reset" : "entry",
      title: `${name}: ${isReset ? resetWords(row) : entryWords(row)}`,
      detail: reason ?? by(actor),
      workspace: home,
      href: `/${home.slug}/${feature === "credits" ? "credits" : "usage"}`,
    };
  });
}

type Entry = typeof entries.$inferSelect;

function resetWords({ operation, units, grantedAfter, windowEndsAt }: Entry): string {
  if (operation === "forfeit") return `${figure(units)} unused at the reset`;
  const given = grantedAfter === null ? "unlimited" : figure(grantedAfter);
  return `a new window, ${given} until ${windowEndsAt?.toISOString().slice(0, 10)}`;
}

const entryWords = ({ operation, units }: Entry) => `${operation.replaceAll("_", " ")} ${figure(units)}`;
const figure = (units: number) => units.toLocaleString("en-US");
/** `user:usr_…` → "by user". */
const by = (actor: string) => `by ${actor.split(":")[0]}`;

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
      detail: isStory ? null : by(actor),
      workspace: home,
      href: `/${home.slug}/billing`,
    };
  });
}
