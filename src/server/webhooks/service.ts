import { and, asc, eq, lte, sql } from "drizzle-orm";
import { type Ctx, createCtx } from "../context";
import type { Tx } from "../db/client";
import { inTransaction } from "../db/transaction";
import { backOffSeconds, failureText, MAX_ATTEMPTS } from "./rules";
import { webhookInbox } from "./tables";

export type InboxEvent = typeof webhookInbox.$inferSelect;
export type EventKey = Pick<InboxEvent, "provider" | "account" | "eventId">;

/** What a provider sent, verified but not yet looked at. */
export type ReceivedEvent = EventKey &
  Pick<InboxEvent, "type" | "apiVersion" | "livemode" | "payload" | "keep">;

/** Why nothing was done: the event is of no interest, or it must not be worked off until a person has looked. */
export type Refusal = { ignored: string } | { quarantined: string };

/** Does an event's work; may run again, so it converges. Returns why it did nothing, if it did nothing. */
export type EventHandler = (ctx: Ctx, event: InboxEvent) => Promise<Refusal | undefined>;
/** By provider, then by event type. A type without a handler is ignored. */
export type EventHandlers = Readonly<Record<string, Readonly<Record<string, EventHandler | undefined>>>>;

type Outcome = "done" | "ignored" | "failed" | "quarantined";
export type Processed = Record<Outcome, number>;

/** A worker that dies loses its event after this long, and another one takes it. */
const LEASE_SECONDS = 30;
const LEASE = sql`clock_timestamp() + make_interval(secs => ${LEASE_SECONDS})`;
const WORKERS = 4;

/** Stores an event once, before anything is done with it: from here on it can't be lost. */
export async function receive(ctx: Ctx, event: ReceivedEvent): Promise<"stored" | "duplicate"> {
  const rows = await inTransaction(ctx, (tx) =>
    tx
      .insert(webhookInbox)
      .values({ ...event, status: "pending", availableAt: sql`clock_timestamp()`, receivedAt: ctx.now() })
      .onConflictDoNothing()
      .returning({ eventId: webhookInbox.eventId }),
  );
  return rows.length === 1 ? "stored" : "duplicate";
}

/** Works off what is due, oldest first, a few at a time, until nothing is left or `limit` events were tried. */
export async function processDue(
  ctx: Ctx,
  handlers: EventHandlers,
  { limit }: { limit: number },
): Promise<Processed> {
  const processed: Processed = { done: 0, ignored: 0, failed: 0, quarantined: 0 };
  let left = limit;
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      const outcome = await processNext(ctx, handlers);
      if (!outcome) return;
      processed[outcome] += 1;
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, worker));
  return processed;
}

/** Works off one event, if it is due and nobody else is at it. */
export async function processEvent(ctx: Ctx, handlers: EventHandlers, key: EventKey): Promise<void> {
  await processNext(ctx, handlers, key);
}

async function processNext(ctx: Ctx, handlers: EventHandlers, key?: EventKey): Promise<Outcome | null> {
  const event = await inTransaction(ctx, (tx) => claim(tx, key));
  if (!event) return null;
  if (event.attempts > MAX_ATTEMPTS)
    return finish(ctx, event, new Error("Every attempt died with its worker."));
  try {
    const handler = own(own(handlers, event.provider) ?? {}, event.type);
    const actor = { kind: "webhook" as const, provider: event.provider, eventId: event.eventId };
    const result = handler
      ? await handler(createCtx(ctx, actor), event)
      : { ignored: "No handler for this type." };
    return await finish(ctx, event, result);
  } catch (error) {
    return finish(ctx, event, error instanceof Error ? error : new Error(String(error)));
  }
}

/** What every object has (`constructor`) is nobody's handler. */
function own<T>(by: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(by, name) ? by[name] : undefined;
}

/** `skip locked`: rivals pass each other by. Attempts count from the claim, so an event that kills its worker ends too. */
async function claim(tx: Tx, key?: EventKey): Promise<InboxEvent | null> {
  const isDue = and(
    eq(webhookInbox.status, "pending"),
    lte(webhookInbox.availableAt, sql`clock_timestamp()`),
    key && ofKey(key),
  );
  const [due] = await tx
    .select()
    .from(webhookInbox)
    .where(isDue)
    .orderBy(asc(webhookInbox.availableAt))
    .limit(1)
    .for("update", { skipLocked: true });
  if (!due) return null;
  const [claimed] = await tx
    .update(webhookInbox)
    .set({ attempts: due.attempts + 1, availableAt: LEASE })
    .where(ofKey(due))
    .returning();
  return claimed ?? null;
}

async function finish(ctx: Ctx, event: InboxEvent, result: Refusal | undefined | Error): Promise<Outcome> {
  const outcome = outcomeOf(event, result);
  const failure = result instanceof Error ? failureText(result) : reasonOf(result);
  const change =
    outcome === "failed"
      ? {
          lastError: failure,
          availableAt: sql`clock_timestamp() + make_interval(secs => ${backOffSeconds(event.attempts)})`,
        }
      : { status: outcome, lastError: failure, processedAt: ctx.now() };
  const written = await inTransaction(ctx, (tx) =>
    tx
      .update(webhookInbox)
      .set(change)
      // A worker whose lease lapsed must not undo what its successor wrote: the lease's end names the worker.
      .where(
        and(
          ofKey(event),
          eq(webhookInbox.status, "pending"),
          eq(webhookInbox.availableAt, event.availableAt),
        ),
      )
      .returning({ eventId: webhookInbox.eventId }),
  );
  if (outcome === "quarantined" && written.length > 0) {
    const { provider, eventId, type, attempts } = event;
    console.error(
      `Webhook quarantined after ${attempts} attempt(s): ${provider} ${eventId} (${type}): ${failure}`,
    );
  }
  return outcome;
}

function outcomeOf(event: InboxEvent, result: Refusal | undefined | Error): Outcome {
  if (result instanceof Error) return event.attempts >= MAX_ATTEMPTS ? "quarantined" : "failed";
  if (!result) return "done";
  return "ignored" in result ? "ignored" : "quarantined";
}

function reasonOf(refusal: Refusal | undefined): string | null {
  if (!refusal) return null;
  return "ignored" in refusal ? refusal.ignored : refusal.quarantined;
}

export const ofKey = ({ provider, account, eventId }: EventKey) =>
  and(
    eq(webhookInbox.provider, provider),
    eq(webhookInbox.account, account),
    eq(webhookInbox.eventId, eventId),
  );
