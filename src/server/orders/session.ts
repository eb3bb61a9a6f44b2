import { and, eq } from "drizzle-orm";
import type Stripe from "stripe";
import { newId } from "@/lib/ids";
import { actorName, type TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { inTenant } from "../db/transaction";
import { audit } from "../events/service";
import { retireCustomer } from "../stripe/customer";
import { pricesNotPushed } from "../stripe/prices";
import { instantOf } from "../stripe/rules";
import { asProviderError, isFateUnknown, isKeySpent, isMissingAtStripe } from "../stripe/stripe-client";
import { customers } from "../stripe/tables";
import { ofTurn, type Turn } from "../stripe/turn";
import { trialParams } from "../subscriptions/subscription-trial";
import { type CheckoutRow, closePages } from "./open-pages";
import type { NewLine } from "./order-lines";
import { placeOrder } from "./place-order";
import { beginParams, closesInTime } from "./prepaid-moves";
import { creditsOf, needsOrder, type Purchase } from "./purchase";
import { checkouts, prepaidEnds } from "./tables";

/** Stripe's default for hosted pages. */
const SESSION_HOURS = 24;
/** Stripe remembers the key of a call that died for a day; we count on half of that. */
const RESUME_HOURS = 12;
const HOUR_MS = 3_600_000;

export interface Opening {
  turn: Turn;
  purchase: Purchase;
  /** By lookup key. */
  priceIds: ReadonlyMap<string, string>;
  customerId: string;
  /** The open row of a call that died before it knew its session. */
  interrupted: CheckoutRow | null;
  /** Rows of calls that died, which the new page takes the place of. */
  replaces: readonly CheckoutRow[];
}

/**
 * Writes the row, asks Stripe under the row's own key, writes the answer. null: something changed, look again.
 * @throws AppError PRICES_NOT_PUSHED, PAYMENT_PROVIDER
 */
export async function openSession(ctx: TenantCtx, opening: Opening): Promise<{ url: string } | null> {
  const row = await reserve(ctx, opening);
  if (!row) return null;
  try {
    const params = sessionParams(ctx, row, opening);
    const session = await ctx.stripe.checkout.sessions.create(params, {
      idempotencyKey: `checkout:${row.id}`,
    });
    return await remember(ctx, row, session);
  } catch (error) {
    // Under its key the same session comes back, so the row stays open for the next try.
    if (isFateUnknown(error)) throw asProviderError(error);
    await inTenant(ctx, (_tx, inner) => closePages(inner, [row]));
    if (isMissingAtStripe(error, "line_items")) throw pricesNotPushed(opening.purchase.item);
    if (!isMissingAtStripe(error, "customer")) throw asProviderError(error);
    await retireCustomer(ctx, opening.customerId);
    return null;
  }
}

/** Closes a page. One that was paid or closed meanwhile refuses; the sync that follows sees which. */
export async function closeSession(ctx: TenantCtx, sessionId: string): Promise<void> {
  try {
    await ctx.stripe.checkout.sessions.expire(sessionId);
  } catch (error) {
    if (isFateUnknown(error) || isKeySpent(error)) throw asProviderError(error);
  }
}

async function reserve(
  ctx: TenantCtx,
  { turn, purchase, interrupted, replaces }: Opening,
): Promise<CheckoutRow | null> {
  const now = ctx.now();
  if (interrupted && now.getTime() - interrupted.createdAt.getTime() < RESUME_HOURS * HOUR_MS)
    return interrupted;
  return inTenant(ctx, async (tx, inner) => {
    const ours = await tx.select().from(customers).where(ofTurn(ctx, turn)).for("no key update");
    if (ours.length === 0) return null;
    await closePages(inner, replaces);
    const { currency } = ctx.prices;
    const { lines } = purchase;
    const order = needsOrder(purchase)
      ? await placeOrder(inner, { origin: "checkout", currency, lines })
      : null;
    const row = newRow(ctx, purchase, order?.id ?? null);
    await tx.insert(checkouts).values(row);
    if (order && purchase.ends) await agreeToEnd(inner, order.id, purchase.ends.subscriptionId);
    const details = { item: row.item, ...(order ? { order: order.id } : {}) };
    await audit(inner, { action: "checkout.opened", subject: row.id, details });
    return row;
  });
}

async function agreeToEnd(
  ctx: TenantCtx & { tx: Tx },
  orderId: string,
  subscriptionId: string,
): Promise<void> {
  const tenantId = ctx.tenant.id;
  await ctx.tx.insert(prepaidEnds).values({ tenantId, orderId, subscriptionId, createdAt: ctx.now() });
}

function newRow(ctx: TenantCtx, purchase: Purchase, orderId: string | null): CheckoutRow {
  const now = ctx.now();
  return {
    tenantId: ctx.tenant.id,
    id: newId("checkout", now),
    purpose: purchase.purpose,
    item: purchase.item,
    orderId,
    credits: creditsOf(purchase.lines),
    creditsExpireAfterDays: null,
    status: "open",
    sessionId: null,
    url: null,
    expiresAt: new Date(now.getTime() + SESSION_HOURS * HOUR_MS),
    createdBy: actorName(ctx.actor),
    createdAt: now,
    completedAt: null,
  };
}

/** Everything here follows from what is bought and its tenant: a key answers the same words only. */
function sessionParams(
  ctx: TenantCtx,
  row: CheckoutRow,
  { purchase, priceIds, customerId }: Opening,
): Stripe.Checkout.SessionCreateParams {
  const workspaceUrl = `${ctx.appUrl}/${ctx.tenant.slug}`;
  return {
    mode: row.purpose === "subscription" ? "subscription" : "payment",
    customer: customerId,
    line_items: purchase.lines.map((line) => lineItem(line, priceIds, ctx.prices.currency)),
    success_url: `${workspaceUrl}/billing/return?session_id={CHECKOUT_SESSION_ID}`,
    // Back to the page where it was chosen.
    cancel_url: `${workspaceUrl}/${row.credits === null ? "billing" : "credits"}`,
    client_reference_id: row.id,
    metadata: { tenantId: row.tenantId, checkoutId: row.id },
    ...(purchase.trial ? trialParams(purchase.trial) : {}),
    ...(purchase.beginsAt ? beginParams(purchase.beginsAt) : {}),
    ...(purchase.ends ? closesInTime(purchase.ends, row.createdAt) : {}),
    ...(purchase.savesCard ? { payment_intent_data: { setup_future_usage: "off_session" } } : {}),
    // What an order sells is given whole, whatever was paid, so codes are for subscriptions alone.
    ...(ctx.prices.promotionCodes && !needsOrder(purchase) ? { allow_promotion_codes: true } : {}),
    // Tax depends on where the customer is, and the page asks for that.
    ...(ctx.prices.automaticTax
      ? { automatic_tax: { enabled: true }, customer_update: { address: "auto", name: "auto" } }
      : {}),
  };
}

function lineItem(
  { lookupKey, name, amountMinor, quantity = 1 }: NewLine,
  priceIds: ReadonlyMap<string, string>,
  currency: string,
): Stripe.Checkout.SessionCreateParams.LineItem {
  const price = priceIds.get(lookupKey ?? "");
  if (price) return { price, quantity };
  const product_data = { name };
  return { price_data: { currency, unit_amount: Number(amountMinor), product_data }, quantity: 1 };
}

/** When the row was closed in the meantime (our turn had lapsed), nobody may pay this page: it is closed too. */
async function remember(
  ctx: TenantCtx,
  row: CheckoutRow,
  session: Stripe.Checkout.Session,
): Promise<{ url: string } | null> {
  const { id: sessionId, url, expires_at } = session;
  const written = await inTenant(ctx, (tx) =>
    tx
      .update(checkouts)
      .set({ sessionId, url, expiresAt: instantOf(expires_at) })
      .where(
        and(eq(checkouts.tenantId, ctx.tenant.id), eq(checkouts.id, row.id), eq(checkouts.status, "open")),
      )
      .returning(),
  );
  if (written.length > 0 && url) return { url };
  await closeSession(ctx, sessionId);
  return null;
}
