import { createHmac, timingSafeEqual } from "node:crypto";
import { and, eq } from "drizzle-orm";
import { provenTenantId } from "@/lib/ids";
import { tenantById, workspace } from "../accounts/service";
import { memberDirectory } from "../accounts/tables";
import { type Ctx, createCtx, type Runtime, type TenantCtx } from "../context";
import { writePreference } from "./preferences";
import { isAlways, TOPICS, type Topic } from "./rules";
import { unsubscribePage } from "./unsubscribe-page";

const PATH = "/api/notifications/unsubscribe";

/** Where one click ends mails of this kind to this person, without signing in; null: they can't be ended. */
export function unsubscribeUrl(ctx: TenantCtx, of: { userId: string; topic: Topic }): string | null {
  if (isAlways(of.topic)) return null;
  const name = [ctx.tenant.id, of.userId, of.topic].join(".");
  return `${ctx.appUrl}${PATH}?of=${name}.${signatureOf(ctx, name)}`;
}

/**
 * Answers the link. GET only shows a page with a button, since scanners of mail open every link; POST does it, from that
 * page or from a mail program (RFC 8058), and twice is once. 404 for a link that we did not sign.
 */
export async function answerUnsubscribe(runtime: Runtime, request: Request): Promise<Response> {
  const ctx = createCtx(runtime, { kind: "system", reason: "unsubscribe" });
  const of = new URL(request.url).searchParams.get("of") ?? "";
  const named = await personNamed(ctx, of);
  if (!named) return unsubscribePage({ status: 404 });
  const { topic, userId } = named;
  const { name } = await workspace(named.ctx);
  if (request.method !== "POST")
    return unsubscribePage({ status: 200, workspace: name, topic, action: `${PATH}?of=${of}` });
  await writePreference(named.ctx, userId, { topic, mail: false });
  return unsubscribePage({ status: 200, workspace: name, topic });
}

/** Whom a link of ours names, while they are a member: the directory proves it. */
async function personNamed(
  ctx: Ctx,
  signed: string,
): Promise<{ ctx: TenantCtx; userId: string; topic: Topic } | null> {
  const [tenantId = "", userId = "", topicName = "", signature = "", ...rest] = signed.split(".");
  const topic = TOPICS.find((one) => one === topicName);
  const expected = signatureOf(ctx, [tenantId, userId, topicName].join("."));
  if (rest.length > 0 || !topic || isAlways(topic) || !isSame(signature, expected)) return null;
  const [member] = await ctx.db.orm
    .select()
    .from(memberDirectory)
    .where(and(eq(memberDirectory.userId, userId), eq(memberDirectory.tenant, tenantId)));
  if (!member) return null;
  return { ctx: { ...ctx, tenant: await tenantById(ctx, provenTenantId(member.tenant)) }, userId, topic };
}

const signatureOf = (ctx: Ctx, name: string) =>
  createHmac("sha256", ctx.keyFor("unsubscribe")).update(name).digest("base64url");

function isSame(given: string, expected: string): boolean {
  return given.length === expected.length && timingSafeEqual(Buffer.from(given), Buffer.from(expected));
}
