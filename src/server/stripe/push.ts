import Stripe from "stripe";
import type { Ctx } from "../context";
import { currentPrices, pricesAtStripe, recordPrice } from "./prices";
import { isSamePrice, type WantedPrice } from "./rules";
import { asProviderError, isMissingAtStripe } from "./stripe-client";

export interface Pushed {
  /** Lookup keys whose price was made now. */
  made: string[];
  /** Lookup keys that Stripe had already. */
  kept: string[];
}

/**
 * Makes plan versions for what is new in the price list, and products and prices at Stripe for what is sold now.
 * Told twice, it makes nothing new. Old prices stay: somebody may be subscribed to them.
 * @throws AppError PAYMENT_PROVIDER
 */
export async function pushPrices(ctx: Ctx): Promise<Pushed> {
  const wanted = await currentPrices(ctx);
  const found = await pricesAtStripe(
    ctx,
    wanted.map(({ lookupKey }) => lookupKey),
  );
  const pushed: Pushed = { made: [], kept: [] };
  try {
    for (const price of wanted) {
      const known = found.get(price.lookupKey);
      const isKept = known !== undefined && isSamePrice(known, price);
      await recordPrice(ctx, isKept ? known : await makePrice(ctx, price, known));
      (isKept ? pushed.kept : pushed.made).push(price.lookupKey);
    }
  } catch (error) {
    throw asProviderError(error);
  }
  return pushed;
}

/** A price that was archived but charges the right amount is opened again: people may be subscribed to it. */
async function makePrice(
  ctx: Ctx,
  wanted: WantedPrice,
  known: Stripe.Price | undefined,
): Promise<Stripe.Price> {
  if (known && isSamePrice({ ...known, active: true }, wanted))
    return ctx.stripe.prices.update(known.id, { active: true });
  await ensureProduct(ctx, wanted.product);
  return ctx.stripe.prices.create({
    product: wanted.product.id,
    currency: wanted.currency,
    unit_amount: wanted.amountMinor,
    ...(wanted.interval === null ? {} : { recurring: { interval: wanted.interval } }),
    lookup_key: wanted.lookupKey,
    // The key's holder charges another amount: another database numbered its plan versions differently.
    transfer_lookup_key: known !== undefined,
    nickname: wanted.lookupKey,
  });
}

async function ensureProduct(ctx: Ctx, product: { id: string; name: string }): Promise<void> {
  try {
    const known = await ctx.stripe.products.retrieve(product.id);
    if (known.name !== product.name || !known.active)
      await ctx.stripe.products.update(product.id, { name: product.name, active: true });
  } catch (error) {
    if (!isMissingAtStripe(error)) throw error;
    await createProduct(ctx, product);
  }
}

async function createProduct(ctx: Ctx, product: { id: string; name: string }): Promise<void> {
  try {
    await ctx.stripe.products.create(product);
  } catch (error) {
    // A rival push made it a moment ago.
    if (!(error instanceof Stripe.errors.StripeError) || error.code !== "resource_already_exists")
      throw error;
  }
}
