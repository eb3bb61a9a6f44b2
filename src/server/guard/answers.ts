import { createHash } from "node:crypto";
import { and, eq, isNull, or, sql } from "drizzle-orm";
import superjson from "superjson";
import type { Ctx, TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { inTransaction, postgresCode } from "../db/transaction";
import { AppError } from "../errors";
import { canonicalJson } from "../plans/rules";
import { keyConflict } from "../quota/consume";
import { keyInput } from "../quota/inputs";
import { answers } from "./tables";

type WritingCtx = TenantCtx & { tx: Tx };

/** A call that can be told from another: the same key means the same effect. */
export interface KeyedCall {
  key: string;
  requestHash: string;
}

const KEPT_DAYS = 30;
const MAX_ANSWER_BYTES = 65_536;
const LONGEST_KEY = 200;
const FORGET_PAGE = 1_000;

/** A key of one procedure. What is too long or unusual to be stored as it is goes in as its hash. */
export function keyedCall(path: string, key: string, input: unknown): KeyedCall {
  const plain = `${path}:${key}`;
  const fits = plain.length <= LONGEST_KEY && keyInput.safeParse(key).success;
  const { json, meta } = superjson.serialize(input);
  const request = canonicalJson({ path, json: json ?? null, meta: meta ?? null });
  return { key: fits ? plain : `${path}:sha256-${sha256(key)}`, requestHash: sha256(request) };
}

const sha256 = (text: string) => createHash("sha256").update(text).digest("base64url");

/**
 * Makes a key this call's own, or tells what its first call answered. Waits for a first call whose transaction is open.
 * @param runsUntil null: the claim lives and dies with the open transaction
 * @returns null when this call is the first and has to run; else the stored answer
 * @throws AppError IDEMPOTENCY_CONFLICT (other input), IN_PROGRESS, CONFLICT (answered, but the answer is not kept)
 */
export async function claimAnswer(
  ctx: WritingCtx,
  call: KeyedCall,
  runsUntil: Date | null = null,
): Promise<{ data: unknown } | null> {
  const { requestHash } = call;
  const createdAt = ctx.now();
  const claim = { tenantId: ctx.tenant.id, ...call, createdAt, runsUntil };
  const mine = await waitingForRivals(
    ctx.tx.insert(answers).values(claim).onConflictDoNothing().returning({ key: answers.key }),
  );
  if (mine.length > 0) return null;
  const [first] = await waitingForRivals(
    ctx.tx.select().from(answers).where(ofCall(ctx, call)).for("no key update"),
  );
  if (!first || first.requestHash !== requestHash) throw keyConflict();
  if (first.answer !== null) return { data: superjson.parse(first.answer) };
  if (first.answeredAt !== null)
    throw new AppError("CONFLICT", "This request was already carried out.", {
      advice: "Its answer is not kept any more. Nothing was done or charged again.",
    });
  if (first.runsUntil && first.runsUntil > createdAt) throw inProgress();
  await ctx.tx.update(answers).set({ createdAt, runsUntil, entryId: null }).where(ofCall(ctx, call));
  return null;
}

/** Says which charge a running call goes by; what it keeps later is kept only if it still is its own. */
export async function nameCharge(ctx: WritingCtx, call: KeyedCall, entryId: string): Promise<void> {
  await ctx.tx.update(answers).set({ entryId }).where(ofCall(ctx, call));
}

/**
 * Keeps what a call answered, in the transaction that charges it. More than 64 KiB are not kept.
 * @param answer null: there is nothing that could be given again, as for a stream
 */
export async function keepAnswer(
  ctx: WritingCtx,
  call: KeyedCall,
  entryId: string,
  answer: { data: unknown } | null,
): Promise<void> {
  const text = answer && superjson.stringify(answer.data);
  const kept = text !== null && Buffer.byteLength(text) <= MAX_ANSWER_BYTES ? text : null;
  await ctx.tx
    .update(answers)
    .set({ entryId, answeredAt: ctx.now(), answer: kept, runsUntil: null })
    .where(stillOwn(ctx, call, entryId));
}

/** A call that failed leaves its key free: nothing was done, so it may be tried again. */
export async function dropClaim(ctx: WritingCtx, call: KeyedCall, entryId: string): Promise<void> {
  await ctx.tx.delete(answers).where(stillOwn(ctx, call, entryId));
}

/** Cron: forgets answers after 30 days. Their keys stay for ever. Safe late, twice, by two runners at once, or never. */
export async function forgetAnswers(ctx: Ctx): Promise<{ answersForgotten: number }> {
  const before = new Date(ctx.now().getTime() - KEPT_DAYS * 86_400_000).toISOString();
  let answersForgotten = 0;
  for (;;) {
    const rows = await inTransaction(ctx, (tx) =>
      tx.execute<{ count: string }>(
        sql`select answers_forget(${before}::timestamptz, ${FORGET_PAGE}) as count`,
      ),
    );
    const count = Number(rows[0]!.count);
    answersForgotten += count;
    if (count < FORGET_PAGE) return { answersForgotten };
  }
}

/** A call that outlived its time may have been taken over by a repeated one: then the claim is that one's. */
const stillOwn = (ctx: TenantCtx, call: KeyedCall, entryId: string) =>
  and(
    ofCall(ctx, call),
    isNull(answers.answeredAt),
    or(isNull(answers.entryId), eq(answers.entryId, entryId)),
  );

const ofCall = (ctx: TenantCtx, { key }: KeyedCall) =>
  and(eq(answers.tenantId, ctx.tenant.id), eq(answers.key, key));

/** lock_not_available: the first call's transaction is open longer than a lock may be waited for. */
async function waitingForRivals<T>(query: PromiseLike<T>): Promise<T> {
  try {
    return await query;
  } catch (error) {
    throw postgresCode(error) === "55P03" ? inProgress() : error;
  }
}

function inProgress(): AppError {
  return new AppError("IN_PROGRESS", "The first request with this key is still running.", {
    hint: "Repeat this request with the same key in a moment: it gets the first one's answer.",
  });
}
