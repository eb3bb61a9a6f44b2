import { and, eq } from "drizzle-orm";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { parseInput } from "../parse";
import { type SetPreferenceInput, setPreferenceInput } from "./inputs";
import { isAlways, TOPICS, type Topic } from "./rules";
import { notificationPreferences } from "./tables";

export interface Preference {
  topic: Topic;
  mail: boolean;
  /** true: can't be switched off. */
  always: boolean;
}

/** Where a person changes them. */
export const preferencePath = (slug: string) => `/${slug}/settings#notifications`;

/** What the signed-in person is mailed about this workspace. @throws AppError FORBIDDEN (not a person) */
export async function preferences(ctx: TenantCtx): Promise<Preference[]> {
  const off = await switchedOff(ctx, personOf(ctx));
  return TOPICS.map((topic) => ({
    topic,
    mail: isAlways(topic) || !off.has(topic),
    always: isAlways(topic),
  }));
}

/** @throws AppError INVALID_INPUT (also for mails that can't be switched off), FORBIDDEN (not a person) */
export async function setPreference(ctx: TenantCtx, input: SetPreferenceInput): Promise<Preference[]> {
  const { topic, mail } = parseInput(setPreferenceInput, input);
  if (isAlways(topic) && !mail)
    throw new AppError("INVALID_INPUT", "These mails can't be switched off: who misses one may lose money.");
  await writePreference(ctx, personOf(ctx), { topic, mail });
  return preferences(ctx);
}

/** For whoever has proven otherwise that the person wants it: a signed link. */
export async function writePreference(
  ctx: TenantCtx,
  userId: string,
  { topic, mail }: { topic: Topic; mail: boolean },
): Promise<void> {
  const { tenantId, userId: person, kind } = notificationPreferences;
  const set = { mail, updatedAt: ctx.now() };
  await inTenant(ctx, (tx) =>
    tx
      .insert(notificationPreferences)
      .values({ tenantId: ctx.tenant.id, userId, kind: topic, ...set })
      .onConflictDoUpdate({ target: [tenantId, person, kind], set }),
  );
}

export async function wantsMail(ctx: TenantCtx, userId: string, topic: Topic): Promise<boolean> {
  return isAlways(topic) || !(await switchedOff(ctx, userId)).has(topic);
}

/** The signed-in person. @throws AppError FORBIDDEN */
export function personOf({ actor }: TenantCtx): string {
  if (actor.kind !== "user") throw new AppError("FORBIDDEN", "Only a person has notifications.");
  return actor.userId;
}

async function switchedOff(ctx: TenantCtx, userId: string): Promise<ReadonlySet<Topic>> {
  const rows = await inTenant(ctx, (tx) =>
    tx
      .select({ kind: notificationPreferences.kind })
      .from(notificationPreferences)
      .where(
        and(
          eq(notificationPreferences.tenantId, ctx.tenant.id),
          eq(notificationPreferences.userId, userId),
          eq(notificationPreferences.mail, false),
        ),
      ),
  );
  return new Set(rows.map(({ kind }) => kind));
}
