import { workspace } from "../accounts/service";
import type { Ctx } from "../context";
import { parseInput } from "../parse";
import { everyTenant } from "./every-tenant";
import { type TimelineInput, timelineInput } from "./inputs";
import { latestMoments, type Moment } from "./moment";
import { stripeMoments } from "./stripe-moments";
import { tenantMoments } from "./tenant-moments";

/** A caught mail's address by `message.person`, as its Message-ID begins. */
export type Mailbox = (messageId: string) => string | null;

/**
 * What happened in all workspaces and at Stripe, the latest first: read from what was written when it happened, so it is
 * still there after a restart. @throws AppError INVALID_INPUT
 */
export async function timeline(ctx: Ctx, input: TimelineInput, mailbox: Mailbox): Promise<Moment[]> {
  const { limit } = parseInput(timelineInput, input);
  const tenants = await everyTenant(ctx);
  const homes = await Promise.all(
    tenants.map(async (tenant) => [tenant.tenant.id, await workspace(tenant)] as const),
  );
  const stripe = stripeMoments(ctx, limit, new Map(homes));
  const own = tenants.map((tenant) => tenantMoments(tenant, limit, mailbox));
  return latestMoments((await Promise.all([stripe, ...own])).flat(), limit);
}

/** The mail catcher's pages of its mails. Without a catcher, or one that is away, mails have no page. */
export async function mailboxAt(url: string | undefined): Promise<Mailbox> {
  const pages = new Map<string, string>();
  try {
    const answer = url ? await fetch(`${url}/api/messages`, { signal: AbortSignal.timeout(2_000) }) : null;
    const { messages } = ((await answer?.json()) ?? { messages: [] }) as {
      messages: { id: string; headers: Record<string, string> }[];
    };
    for (const { id, headers } of messages)
      pages.set(/^<([^@]*)@/.exec(headers["message-id"] ?? "")?.[1] ?? id, `${url}/messages/${id}`);
  } catch {
    // A page more or less.
  }
  return (messageId) => pages.get(messageId) ?? null;
}
