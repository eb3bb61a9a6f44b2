import { and, desc, eq, isNotNull, isNull, ne } from "drizzle-orm";
import type Stripe from "stripe";
import type { Ctx, TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { fetchInvoices, type InvoiceLook } from "../invoices/note-invoice";
import { checkouts } from "../orders/tables";
import type { PlanVersion } from "../plans/rules";
import { ensurePlanVersions, planVersion } from "../plans/service";
import { knownCustomer } from "../stripe/customer";
import { lookupKeysOf } from "../stripe/prices";
import { planOfLookupKey } from "../stripe/rules";
import { asProviderError, isMissingAtStripe } from "../stripe/stripe-client";
import { comingPrices } from "../subscriptions/plan-change-state";
import { type BegunTrial, begunTrials } from "../subscriptions/subscription-trial";
import { type DunningState, fetchDunning } from "./fetch-dunning";
import { fetchMoneyBack, type MoneyBack } from "./fetch-money-back";

const MAX_SUBSCRIPTIONS = 1_000;
/** Newest first: whatever waits behind so many pages is long expired. */
const MAX_PENDING = 20;

/** What says whether a session was paid, and by which payment. */
const SESSION_PARTS = ["payment_intent", "subscription", "invoice.payments"] as const;

/** How things stand at Stripe, read while we have the turn. */
export interface StripeState {
  subscriptions: Stripe.Subscription[];
  /** By price id: the plan version that a price sells. */
  versions: ReadonlyMap<string, PlanVersion>;
  /** Our unsettled checkouts by id; null for a session that Stripe doesn't know. */
  sessions: ReadonlyMap<string, Stripe.Checkout.Session | null>;
  /** Of orders whose money may have gone back. */
  moneyBack: readonly MoneyBack[];
  /** Of which there was news. */
  invoices: readonly InvoiceLook[];
  /** Trials that have begun and are not written down yet. */
  trials: readonly BegunTrial[];
  dunning: DunningState;
}

/** @throws AppError PAYMENT_PROVIDER */
export async function fetchState(ctx: TenantCtx): Promise<StripeState> {
  await ensurePlanVersions(ctx);
  const customerId = await knownCustomer(ctx);
  try {
    const subscriptions = customerId ? await listSubscriptions(ctx, customerId) : [];
    return {
      subscriptions,
      versions: await versionsOf(ctx, subscriptions),
      sessions: await unsettledSessions(ctx),
      moneyBack: await fetchMoneyBack(ctx),
      invoices: await fetchInvoices(ctx),
      trials: await begunTrials(ctx, subscriptions),
      dunning: await fetchDunning(ctx, subscriptions),
    };
  } catch (error) {
    throw asProviderError(error);
  }
}

async function listSubscriptions(ctx: Ctx, customer: string): Promise<Stripe.Subscription[]> {
  const expand = [
    "data.latest_invoice",
    "data.schedule",
    "data.discounts.source.coupon",
    "data.discounts.promotion_code",
  ];
  try {
    const list = ctx.stripe.subscriptions.list({ customer, status: "all", limit: 100, expand });
    return await list.autoPagingToArray({ limit: MAX_SUBSCRIPTIONS });
  } catch (error) {
    if (isMissingAtStripe(error, "customer")) return [];
    throw error;
  }
}

/** By our own record of the price, or else by the lookup key that we gave it at Stripe. */
async function versionsOf(
  ctx: Ctx,
  subscriptions: readonly Stripe.Subscription[],
): Promise<Map<string, PlanVersion>> {
  const prices = new Map<string, string | null>();
  for (const subscription of subscriptions) {
    for (const id of comingPrices(subscription)) prices.set(id, null);
    for (const { price } of subscription.items.data) prices.set(price.id, price.lookup_key);
  }
  const known = await lookupKeysOf(ctx, [...prices.keys()]);
  const found = new Map<string, PlanVersion>();
  for (const [id, lookupKey] of prices) {
    const plan = planOfLookupKey(known.get(id) ?? lookupKey);
    const version = plan ? await soldVersion(ctx, plan.planVersion) : null;
    if (version) found.set(id, version);
  }
  return found;
}

async function soldVersion(ctx: Ctx, id: string): Promise<PlanVersion | null> {
  try {
    return await planVersion(ctx, id);
  } catch (error) {
    if (error instanceof AppError && error.code === "NOT_FOUND") return null;
    throw error;
  }
}

/** Open ones, and complete ones whose money is still on its way. */
async function unsettledSessions(ctx: TenantCtx): Promise<Map<string, Stripe.Checkout.Session | null>> {
  const rows = await inTenant(ctx, (tx) =>
    tx
      .select()
      .from(checkouts)
      .where(
        and(
          eq(checkouts.tenantId, ctx.tenant.id),
          isNotNull(checkouts.sessionId),
          isNull(checkouts.completedAt),
          ne(checkouts.status, "expired"),
        ),
      )
      .orderBy(desc(checkouts.id))
      .limit(MAX_PENDING),
  );
  const sessions = await Promise.all(rows.map(({ sessionId }) => retrieveSession(ctx, sessionId!)));
  return new Map(rows.map(({ id }, at) => [id, sessions[at] ?? null]));
}

async function retrieveSession(ctx: Ctx, sessionId: string): Promise<Stripe.Checkout.Session | null> {
  try {
    return await ctx.stripe.checkout.sessions.retrieve(sessionId, { expand: [...SESSION_PARTS] });
  } catch (error) {
    if (isMissingAtStripe(error)) return null;
    throw error;
  }
}
