import { inArray } from "drizzle-orm";
import type Stripe from "stripe";
import type { Ctx } from "../context";
import { inTransaction } from "../db/transaction";
import { AppError } from "../errors";
import type { PlanVersion } from "../plans/rules";
import { ensurePlanVersions } from "../plans/service";
import { type Interval, idOf, isSamePrice, planLookupKey, type WantedPrice, wantedPrices } from "./rules";
import { asProviderError } from "./stripe-client";
import { stripePrices } from "./tables";

/** Stripe takes at most this many lookup keys in one question. */
const KEYS_PER_CALL = 10;

/** Every price the current list sells. Plans that are new get their version. */
export async function currentPrices(ctx: Ctx): Promise<WantedPrice[]> {
  const versions = await ensurePlanVersions(ctx);
  return wantedPrices(ctx.prices, (planId) => versions.get(planId)?.id);
}

/**
 * The id of a price at Stripe: as we wrote it down, or else as Stripe knows it by its lookup key.
 * @throws AppError PRICES_NOT_PUSHED when there is none that charges what the list says, PAYMENT_PROVIDER
 */
async function priceIdOf(ctx: Ctx, wanted: WantedPrice): Promise<string> {
  const known = (await recordedPrices(ctx, [wanted.lookupKey])).get(wanted.lookupKey);
  if (known) return known.priceId;
  const found = (await pricesAtStripe(ctx, [wanted.lookupKey])).get(wanted.lookupKey);
  if (!found || !isSamePrice(found, wanted)) throw pricesNotPushed(wanted.lookupKey);
  await recordPrice(ctx, found);
  return found.id;
}

/**
 * The ids at Stripe of the prices that these lines name, by lookup key. A line without one says itself what it costs.
 * @throws AppError PRICES_NOT_PUSHED, PAYMENT_PROVIDER
 */
export async function priceIdsOf(
  ctx: Ctx,
  lines: readonly { lookupKey?: string | null | undefined }[],
): Promise<ReadonlyMap<string, string>> {
  const prices = await currentPrices(ctx);
  const found = new Map<string, string>();
  for (const { lookupKey } of lines) {
    const wanted = prices.find((price) => price.lookupKey === lookupKey);
    if (wanted) found.set(wanted.lookupKey, await priceIdOf(ctx, wanted));
  }
  return found;
}

/** What we wrote down about prices, by lookup key. */
export async function recordedPrices(
  ctx: Ctx,
  lookupKeys: readonly string[],
): Promise<Map<string, typeof stripePrices.$inferSelect>> {
  if (lookupKeys.length === 0) return new Map();
  const rows = await ctx.db.orm
    .select()
    .from(stripePrices)
    .where(inArray(stripePrices.lookupKey, [...lookupKeys]));
  return new Map(rows.map((row) => [row.lookupKey, row]));
}

export function pricesNotPushed(lookupKey: string): AppError {
  return new AppError("PRICES_NOT_PUSHED", "This is not for sale yet.", {
    hint: `Stripe has no price "${lookupKey}" that charges what the price list says. Run: npm run plans -- push`,
  });
}

/** Prices at Stripe by lookup key, archived ones too. */
export async function pricesAtStripe(
  ctx: Ctx,
  lookupKeys: readonly string[],
): Promise<Map<string, Stripe.Price>> {
  const found = new Map<string, Stripe.Price>();
  for (let from = 0; from < lookupKeys.length; from += KEYS_PER_CALL) {
    const keys = lookupKeys.slice(from, from + KEYS_PER_CALL);
    try {
      const page = await ctx.stripe.prices.list({ lookup_keys: keys, limit: 100 });
      for (const price of page.data) if (price.lookup_key) found.set(price.lookup_key, price);
    } catch (error) {
      throw asProviderError(error);
    }
  }
  return found;
}

/** Writes down which price carries a lookup key now. */
export async function recordPrice(ctx: Ctx, price: Stripe.Price): Promise<void> {
  const facts = { priceId: price.id, productId: idOf(price.product) ?? "", livemode: price.livemode };
  await inTransaction({ ...ctx, tx: undefined }, (tx) =>
    tx
      .insert(stripePrices)
      .values({ ...facts, lookupKey: price.lookup_key ?? "", createdAt: ctx.now() })
      .onConflictDoUpdate({ target: stripePrices.lookupKey, set: facts }),
  );
}

/** Lookup keys of prices as we wrote them down, by price id. */
export async function lookupKeysOf(ctx: Ctx, priceIds: readonly string[]): Promise<Map<string, string>> {
  if (priceIds.length === 0) return new Map();
  const rows = await ctx.db.orm
    .select()
    .from(stripePrices)
    .where(inArray(stripePrices.priceId, [...priceIds]));
  return new Map(rows.map((row) => [row.priceId, row.lookupKey]));
}

/**
 * The id at Stripe of what a version costs, also of one that is not in the list any more.
 * @throws AppError PRICES_NOT_PUSHED, PAYMENT_PROVIDER
 */
export async function priceIdOfVersion(ctx: Ctx, version: PlanVersion, interval: Interval): Promise<string> {
  const { plan, currency } = version.definition;
  const list = { ...ctx.prices, currency, plans: [plan], packs: [] };
  const wanted = wantedPrices(list, () => version.id).find((price) => price.interval === interval);
  if (!wanted) throw pricesNotPushed(planLookupKey(version.id, interval));
  return priceIdOf(ctx, wanted);
}
