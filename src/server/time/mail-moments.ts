import { and, eq, inArray } from "drizzle-orm";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { outbox } from "../events/tables";
import type { Moment } from "./moment";

/** A mail that the catcher has. */
export interface CaughtMail {
  id: string;
  receivedAt: Date;
  to: string;
  subject: string;
  /** The outbox's row that it tells, as its Message-ID begins; null for a mail that tells none, such as a sign-in link. */
  messageId: string | null;
  page: string;
}

/** Mails of the workspaces' facts, each with its workspace, and those of nobody's. */
export async function mailMoments(
  tenants: readonly { ctx: TenantCtx; home: NonNullable<Moment["workspace"]> }[],
  mails: readonly CaughtMail[],
): Promise<Moment[]> {
  const ids = [...new Set(mails.flatMap(({ messageId }) => messageId ?? []))];
  const owners = new Map<string, Moment["workspace"]>();
  for (const { ctx, home } of ids.length > 0 ? tenants : [])
    for (const id of await idsOf(ctx, ids)) owners.set(id, home);
  return mails.map(({ id, receivedAt: at, to, subject, messageId, page: href }) => {
    const workspace = owners.get(messageId ?? "") ?? null;
    const end = workspace ? ` (${workspace.name})` : "";
    const title = end && subject.endsWith(end) ? subject.slice(0, -end.length) : subject;
    return { id, at, kind: "mail", title, detail: `to ${to}`, workspace, href };
  });
}

async function idsOf(ctx: TenantCtx, ids: string[]): Promise<string[]> {
  const rows = await inTenant(ctx, (tx) =>
    tx
      .select({ id: outbox.id })
      .from(outbox)
      .where(and(eq(outbox.tenantId, ctx.tenant.id), inArray(outbox.id, ids))),
  );
  return rows.map(({ id }) => id);
}

/** What the mail catcher caught; nothing without one, and nothing of one that is away. */
export async function caughtMails(url: string | undefined): Promise<CaughtMail[]> {
  if (!url) return [];
  try {
    const answer = await fetch(`${url}/api/messages`, { signal: AbortSignal.timeout(2_000) });
    const { messages } = (await answer.json()) as {
      messages: {
        id: string;
        receivedAt: string;
        to: string[];
        subject: string;
        headers: Record<string, string>;
      }[];
    };
    return messages.map(({ id, receivedAt, to, subject, headers }) => ({
      id,
      receivedAt: new Date(receivedAt),
      to: to.join(", "),
      subject,
      messageId: /^<(msg_[0-9a-z-]+)\./.exec(headers["message-id"] ?? "")?.[1] ?? null,
      page: `${url}/messages/${id}`,
    }));
  } catch {
    return [];
  }
}
