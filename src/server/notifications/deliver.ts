import { and, eq, inArray, isNotNull, isNull } from "drizzle-orm";
import { site } from "@/config/site";
import { logError, redact } from "@/lib/log";
import { workspace } from "../accounts/service";
import { members, users } from "../accounts/tables";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { outbox } from "../events/tables";
import { letterMail } from "./letter-mail";
import { letterOf, letters } from "./letters";
import { domainOf, type OutgoingMail, type Post } from "./post";
import { preferencePath, wantsMail } from "./preferences";
import { isHopeless, mailFailure, nextAttemptAt, TOLD_ROLES } from "./rules";
import { notifications } from "./tables";
import { unsubscribeUrl } from "./unsubscribe";

/** A mail that this worker alone may send until its lease ends. */
export interface ClaimedMail {
  userId: string;
  messageId: string;
  /** This one included. */
  attempts: number;
}

/** `dropped`: its person is not to be mailed any more. `unreachable`: the mail server takes nothing at all just now. */
export type Delivery = "mailed" | "delayed" | "unreachable" | "given_up" | "dropped";

type Waiting = typeof notifications.$inferSelect;

/**
 * Sends a claimed mail and writes down what came of it. The server's "taken" and our writing it down are two things: a
 * process that dies between the two sends this one mail again, under the same Message-ID.
 */
export async function deliver(
  ctx: TenantCtx,
  claimed: ClaimedMail,
  office: { post: Post; from: string },
): Promise<Delivery> {
  const waiting = await waitingMail(ctx, claimed);
  if (!waiting) return "dropped";
  try {
    const mail = await compose(ctx, waiting, office.from);
    if (mail) await office.post(mail);
    const mailedAt = mail ? ctx.now() : null;
    await settle(ctx, claimed, { mailedAt, mailDueAt: null, mailError: null });
    return mail ? "mailed" : "dropped";
  } catch (error) {
    return putOff(ctx, waiting, error);
  }
}

async function waitingMail(ctx: TenantCtx, claimed: ClaimedMail): Promise<Waiting | undefined> {
  const [row] = await inTenant(ctx, (tx) =>
    tx
      .select()
      .from(notifications)
      .where(and(ofClaim(ctx, claimed), isNotNull(notifications.mailDueAt))),
  );
  return row;
}

/** null: the person left, may not see money any more, or has switched these mails off since. */
async function compose(ctx: TenantCtx, waiting: Waiting, from: string): Promise<OutgoingMail | null> {
  const { userId, messageId } = waiting;
  const found = await inTenant(ctx, async (tx, inner) => {
    const [person] = await tx
      .select({ email: users.email })
      .from(members)
      .innerJoin(users, eq(users.id, members.userId))
      .where(
        and(
          eq(members.tenantId, ctx.tenant.id),
          eq(members.userId, userId),
          inArray(members.role, TOLD_ROLES),
        ),
      );
    const [message] = await tx
      .select()
      .from(outbox)
      .where(and(eq(outbox.tenantId, ctx.tenant.id), eq(outbox.id, messageId)));
    if (!person || !message) return null;
    const { topic } = letters[message.type];
    const wanted = await wantsMail(inner, userId, topic);
    return wanted ? { person, message, topic, home: await workspace(inner) } : null;
  });
  if (!found) return null;
  const { person, message, topic, home } = found;
  const { prices, appUrl } = ctx;
  const letter = letterOf(message.type, message.payload, {
    workspace: home,
    prices,
    appUrl,
    at: message.createdAt,
  });
  const endUrl = unsubscribeUrl(ctx, { userId, topic });
  const foot = {
    appName: site.name,
    workspace: home.name,
    settingsUrl: appUrl + preferencePath(home.slug),
    unsubscribeUrl: endUrl,
  };
  return {
    ...letterMail(letter, foot),
    to: person.email,
    messageId: `<${messageId}.${userId}@${domainOf(from)}>`,
    at: ctx.now(),
    unsubscribeUrl: endUrl,
  };
}

async function putOff(ctx: TenantCtx, waiting: Waiting, error: unknown): Promise<Delivery> {
  const failure = mailFailure(error);
  const { createdAt, mailAttempts: attempts, userId, messageId } = waiting;
  const now = ctx.now();
  const hopeless = isHopeless({ createdAt, now, refused: failure === "refused" });
  const mailError = redact(error instanceof Error ? error.message : String(error)).slice(0, 500);
  const change = hopeless
    ? { mailDueAt: null, mailGivenUpAt: now }
    : { mailDueAt: nextAttemptAt(now, attempts), mailLeaseEndsAt: null };
  await settle(ctx, { userId, messageId, attempts }, { ...change, mailError });
  if (hopeless) logError(`mail ${messageId} to ${userId} is given up`, error);
  if (failure === "unreachable") return "unreachable";
  return hopeless ? "given_up" : "delayed";
}

/** A worker whose lease ran out must not put off what its successor has in hand; but what was mailed, was. */
async function settle(
  ctx: TenantCtx,
  claimed: ClaimedMail,
  change: Partial<typeof notifications.$inferInsert>,
): Promise<void> {
  const isOurs = change.mailedAt ? undefined : eq(notifications.mailAttempts, claimed.attempts);
  await inTenant(ctx, (tx) =>
    tx
      .update(notifications)
      .set(change)
      .where(and(ofClaim(ctx, claimed), isNull(notifications.mailedAt), isOurs)),
  );
}

const ofClaim = (ctx: TenantCtx, { userId, messageId }: ClaimedMail) =>
  and(
    eq(notifications.tenantId, ctx.tenant.id),
    eq(notifications.userId, userId),
    eq(notifications.messageId, messageId),
  );
