import { sql } from "drizzle-orm";
import { provenTenantId } from "@/lib/ids";
import { logError } from "@/lib/log";
import { tenantById } from "../accounts/service";
import type { Ctx } from "../context";
import { inTransaction } from "../db/transaction";
import { factTypes } from "../events/facts";
import { type ClaimedMail, type Delivery, deliver } from "./deliver";
import { type Post, postOffice } from "./post";
import { tellPeople } from "./tell-people";

/** As PostgreSQL writes an array. */
const KNOWN_TYPES = `{${factTypes.join(",")}}`;
const FACTS_PER_PAGE = 200;
/** More would not fit into one cron call; the rest waits a minute. */
const FACTS_PER_RUN = 2_000;
/** Each waits for the mail server, so a few go side by side. */
const MAILS_AT_ONCE = 4;
const MAILS_PER_RUN = 1_000;
/** No new mail is begun after this, so that no host's time-out ends the process in the middle of one. */
const SENDING_MS = 15_000;
/** A worker that dies loses its mail after this long, and another one takes it. Longer than any sending takes. */
const LEASE_SECONDS = 120;

const KEPT_DAYS = 90;
/** A window may last a year. */
const KEPT_WINDOW_DAYS = 400;
const DELETED_AT_ONCE = 1_000;
const DAY_MS = 86_400_000;

/**
 * Cron `notifications`: facts of the outbox become notifications of the people they concern, and their mails are sent.
 * Safe late, twice, or by two runners at once; a mail server that is down is asked again later.
 */
export async function notify(ctx: Ctx): Promise<{ told: number; mailed: number; mailsFailed: number }> {
  const told = await tellAll(ctx);
  const { mail } = ctx;
  if (!mail) return { told, mailed: 0, mailsFailed: 0 };
  return { told, ...(await sendDue(ctx, { post: postOffice(mail), from: mail.from })) };
}

/** Once a day: deletes what was told long ago, in batches that no statement's time-out ends. */
export async function forgetTold(ctx: Ctx): Promise<{ factsForgotten: number }> {
  const before = (days: number) => new Date(ctx.now().getTime() - days * DAY_MS).toISOString();
  for (let factsForgotten = 0; ; ) {
    const [row] = await inTransaction(ctx, (tx) =>
      tx.execute<{ gone: number }>(
        sql`select outbox_forget(${before(KEPT_DAYS)}::timestamptz, ${before(KEPT_WINDOW_DAYS)}::timestamptz, ${DELETED_AT_ONCE}) as gone`,
      ),
    );
    const gone = Number(row?.gone ?? 0);
    factsForgotten += gone;
    if (gone < DELETED_AT_ONCE) return { factsForgotten };
  }
}

async function tellAll(ctx: Ctx): Promise<number> {
  let told = 0;
  let after = { tenant_id: "", id: "" };
  for (let seen = 0; seen < FACTS_PER_RUN; seen += FACTS_PER_PAGE) {
    const page = await inTransaction(ctx, (tx) =>
      tx.execute<{ tenant_id: string; id: string }>(
        sql`select tenant_id, id from outbox_unsent(${KNOWN_TYPES}::text[], ${after.tenant_id}, ${after.id}, ${FACTS_PER_PAGE})`,
      ),
    );
    for (const row of page) told += await tellFact(ctx, row);
    after = page.at(-1) ?? after;
    if (page.length < FACTS_PER_PAGE) break;
  }
  return told;
}

/** One tenant's trouble is not another's: it is logged, and the fact stays untold. */
async function tellFact(ctx: Ctx, row: { tenant_id: string; id: string }): Promise<number> {
  try {
    const tenant = await tenantById(ctx, provenTenantId(row.tenant_id));
    return await tellPeople({ ...ctx, tenant }, row.id);
  } catch (error) {
    logError(`notifications ${row.id}`, error);
    return 0;
  }
}

async function sendDue(
  ctx: Ctx,
  office: { post: Post; from: string },
): Promise<{ mailed: number; mailsFailed: number }> {
  const done = { mailed: 0, mailsFailed: 0 };
  const startedMs = performance.now();
  let left = MAILS_PER_RUN;
  const worker = async () => {
    while (left > 0 && performance.now() - startedMs < SENDING_MS) {
      left -= 1;
      const delivery = await sendNext(ctx, office);
      if (!delivery) return;
      if (delivery === "mailed") done.mailed += 1;
      else if (delivery !== "dropped") done.mailsFailed += 1;
      // Nobody answers: whatever else is due waits for the next run instead of failing one by one.
      if (delivery === "unreachable") left = 0;
    }
  };
  await Promise.all(Array.from({ length: MAILS_AT_ONCE }, worker));
  return done;
}

async function sendNext(ctx: Ctx, office: { post: Post; from: string }): Promise<Delivery | null> {
  const claimed = await claim(ctx);
  if (!claimed) return null;
  try {
    const tenant = await tenantById(ctx, provenTenantId(claimed.tenantId));
    return await deliver({ ...ctx, tenant }, claimed, office);
  } catch (error) {
    // Our own database failed. The lease ends by itself, and then the mail is due again.
    logError(`mail ${claimed.messageId}`, error);
    return "delayed";
  }
}

async function claim(ctx: Ctx): Promise<(ClaimedMail & { tenantId: string }) | null> {
  const [row] = await inTransaction(ctx, (tx) =>
    tx.execute<{ tenant_id: string; user_id: string; message_id: string; attempts: number }>(
      sql`select * from mail_claim(${ctx.now().toISOString()}::timestamptz, ${LEASE_SECONDS})`,
    ),
  );
  if (!row) return null;
  const { tenant_id: tenantId, user_id: userId, message_id: messageId, attempts } = row;
  return { tenantId, userId, messageId, attempts };
}
