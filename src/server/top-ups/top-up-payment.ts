import { and, eq, isNull, sql } from "drizzle-orm";
import Stripe from "stripe";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { knownCustomer } from "../stripe/customer";
import { isFateUnknown, isKeySpent, isMissingAtStripe } from "../stripe/stripe-client";
import { failed, type TopUpOutcome, topUpOutcome } from "./auto-top-up-rules";
import { paymentMethodFor } from "./payment-method";
import { topUpAttempts } from "./tables";

export type TopUpAttempt = typeof topUpAttempts.$inferSelect;
export type TopUpPayment = { outcome: TopUpOutcome; intent: Stripe.PaymentIntent | null };

/** Wrong keys of ours, not the tenant's card: as passing as a fault of the network. */
const OUR_FAULT = new Set([401, 403]);

/**
 * Takes a payment as far as it goes. The intent is made first, without charging, and its id written down; only then is
 * it confirmed, once, without naming a card again. So whatever is repeated, after whatever crash, however late, the
 * card is charged at most once for an order, and Stripe's intent says how that ended.
 * @param isWanted whether the card may still be charged; if not, an intent that nobody has charged is canceled
 * @throws Stripe's error while the fate of the payment is unknown: ask again later
 */
export async function payTopUp(
  ctx: TenantCtx,
  attempt: TopUpAttempt,
  isWanted: boolean,
): Promise<TopUpPayment> {
  const known = attempt.paymentId ? await ctx.stripe.paymentIntents.retrieve(attempt.paymentId) : null;
  if (!known && !isWanted) return { outcome: CANCELED, intent: null };
  const intent = known ?? (await makeIntent(ctx, attempt));
  if ("kind" in intent) return { outcome: intent, intent: null };
  const outcome = topUpOutcome(intent);
  if (outcome.kind !== "unasked") return { outcome, intent };
  return isWanted ? confirm(ctx, attempt, intent) : read(await cancel(ctx, intent));
}

const CANCELED = { kind: "canceled" } as const;
const read = (intent: Stripe.PaymentIntent) => ({ outcome: topUpOutcome(intent), intent });

type Failed = TopUpOutcome & { kind: "failed" };

async function makeIntent(
  ctx: TenantCtx,
  attempt: TopUpAttempt,
): Promise<Stripe.PaymentIntent | Failed | typeof CANCELED> {
  const customer = await knownCustomer(ctx);
  const card = attempt.paymentMethodId ?? (await noteCard(ctx, attempt));
  if (!customer || !card) return failed("no_card", "no_card");
  try {
    const intent = await ctx.stripe.paymentIntents.create(
      {
        amount: Number(attempt.amountMinor),
        currency: attempt.currency,
        customer,
        payment_method: card,
        automatic_payment_methods: { enabled: true, allow_redirects: "never" },
        metadata: { tenantId: ctx.tenant.id, orderId: attempt.orderId },
      },
      { idempotencyKey: `top_up:${attempt.orderId}:${attempt.keyNumber}` },
    );
    return await noteIntent(ctx, attempt, intent);
  } catch (error) {
    if (isMissingAtStripe(error, "payment_method") || isMissingAtStripe(error, "customer"))
      return failed("no_card", "resource_missing");
    return refusalOr(ctx, attempt, error);
  }
}

/** Under one key Stripe wants the same words, so the card is chosen once for an order. */
async function noteCard(ctx: TenantCtx, attempt: TopUpAttempt): Promise<string | null> {
  const card = await paymentMethodFor(ctx);
  if (!card) return null;
  await inTenant(ctx, (tx) =>
    tx
      .update(topUpAttempts)
      .set({ paymentMethodId: card.id })
      .where(and(ofAttempt(ctx, attempt), isNull(topUpAttempts.paymentMethodId))),
  );
  return (await reread(ctx, attempt)).paymentMethodId;
}

/** The first intent written down is the order's; one that a rival made beside it, or after the end, is never charged. */
async function noteIntent(
  ctx: TenantCtx,
  attempt: TopUpAttempt,
  { id }: Stripe.PaymentIntent,
): Promise<Stripe.PaymentIntent | typeof CANCELED> {
  await inTenant(ctx, (tx) =>
    tx
      .update(topUpAttempts)
      .set({ paymentId: id })
      .where(
        and(ofAttempt(ctx, attempt), isNull(topUpAttempts.paymentId), eq(topUpAttempts.status, "in_flight")),
      ),
  );
  const { paymentId } = await reread(ctx, attempt);
  // A replayed key answers what it answered then: only a look tells how the intent stands now.
  return paymentId ? ctx.stripe.paymentIntents.retrieve(paymentId) : CANCELED;
}

/** Whatever the answer is, the intent is looked at afterwards: it alone knows what a lost or stale answer meant. */
async function confirm(
  ctx: TenantCtx,
  attempt: TopUpAttempt,
  intent: Stripe.PaymentIntent,
): Promise<TopUpPayment> {
  const idempotencyKey = `top_up:${attempt.orderId}:confirm:${attempt.keyNumber}`;
  try {
    await ctx.stripe.paymentIntents.confirm(intent.id, { off_session: true }, { idempotencyKey });
    return read(await ctx.stripe.paymentIntents.retrieve(intent.id));
  } catch (error) {
    if (isFateUnknown(error)) throw error;
    const now = read(await ctx.stripe.paymentIntents.retrieve(intent.id));
    if (now.outcome.kind !== "unasked") return now;
    const refusal = await refusalOr(ctx, attempt, error);
    const ended = read(await cancel(ctx, intent));
    return ended.outcome.kind === "canceled" ? { outcome: refusal, intent } : ended;
  }
}

/** Refuses too when somebody has confirmed it in the meantime; the intent says so. */
async function cancel(ctx: TenantCtx, { id }: Stripe.PaymentIntent): Promise<Stripe.PaymentIntent> {
  try {
    return await ctx.stripe.paymentIntents.cancel(id);
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeInvalidRequestError)) throw error;
    return ctx.stripe.paymentIntents.retrieve(id);
  }
}

/** What Stripe will not do, it will not do a minute later either; a fault of anybody else's is thrown on. */
async function refusalOr(ctx: TenantCtx, attempt: TopUpAttempt, error: unknown): Promise<Failed> {
  if (isKeySpent(error)) await nextKey(ctx, attempt);
  const status = error instanceof Stripe.errors.StripeError ? (error.statusCode ?? 0) : 0;
  const isRefusal =
    error instanceof Stripe.errors.StripeError && status >= 400 && status < 500 && !OUR_FAULT.has(status);
  if (!isRefusal || isFateUnknown(error) || isKeySpent(error)) throw error;
  return failed("refused", error.code ?? error.type);
}

async function nextKey(ctx: TenantCtx, attempt: TopUpAttempt): Promise<void> {
  await inTenant(ctx, (tx) =>
    tx
      .update(topUpAttempts)
      .set({ keyNumber: sql`${topUpAttempts.keyNumber} + 1` })
      .where(and(ofAttempt(ctx, attempt), eq(topUpAttempts.keyNumber, attempt.keyNumber))),
  );
}

async function reread(ctx: TenantCtx, attempt: TopUpAttempt): Promise<TopUpAttempt> {
  const [row] = await inTenant(ctx, (tx) => tx.select().from(topUpAttempts).where(ofAttempt(ctx, attempt)));
  return row ?? attempt;
}

/** The row of one attempt. */
export const ofAttempt = (ctx: TenantCtx, { orderId }: Pick<TopUpAttempt, "orderId">) =>
  and(eq(topUpAttempts.tenantId, ctx.tenant.id), eq(topUpAttempts.orderId, orderId));
