import { createHash } from "node:crypto";
import type Stripe from "stripe";
import type { Ctx, TenantCtx } from "../context";
import { AppError } from "../errors";
import { canonicalJson } from "../plans/rules";
import { knownCustomer, retireCustomer } from "../stripe/customer";
import { currentPrices, recordedPrices } from "../stripe/prices";
import { asProviderError, isMissingAtStripe } from "../stripe/stripe-client";
import { openDunnings } from "../subscriptions/dunning";

type Features = Stripe.BillingPortal.ConfigurationCreateParams.Features;
type Products = Stripe.BillingPortal.ConfigurationCreateParams.Features.SubscriptionUpdate.Product[];

/** Who has not paid can't change the plan there either. */
type Kind = "usual" | "unpaid";

/** The configurations that this process has seen in place, per Stripe client. */
const inPlace = new WeakMap<Stripe, Map<Kind, { fingerprint: string; id: string }>>();

/**
 * The address of Stripe's portal: card, invoices, change of plan (charged at once, pro rata), cancellation at the
 * period's end. What is done there comes back by webhook, and by `refreshBilling` with whoever returns first.
 * @throws AppError NOT_FOUND before the first checkout, PAYMENT_PROVIDER
 */
export async function openPortal(ctx: TenantCtx): Promise<{ url: string }> {
  const customer = await knownCustomer(ctx);
  if (!customer) throw nothingToManage();
  try {
    const isUnpaid = (await openDunnings(ctx)).length > 0;
    const configuration = await ensureConfiguration(ctx, isUnpaid ? "unpaid" : "usual");
    const return_url = `${ctx.appUrl}/${ctx.tenant.slug}/billing?from=portal`;
    const session = await ctx.stripe.billingPortal.sessions.create({ customer, configuration, return_url });
    return { url: session.url };
  } catch (error) {
    if (!isMissingAtStripe(error, "customer")) throw asProviderError(error);
    await retireCustomer(ctx, customer);
    throw nothingToManage();
  }
}

function nothingToManage(): AppError {
  return new AppError("NOT_FOUND", "There is nothing to manage yet. Choose a plan first.");
}

/** One configuration of ours and of that kind at Stripe, found by its metadata and brought up to the current price list. */
async function ensureConfiguration(ctx: Ctx, kind: Kind): Promise<string> {
  const usual = await portalFeatures(ctx);
  const features = kind === "usual" ? usual : { ...usual, subscription_update: { enabled: false } };
  const fingerprint = createHash("sha256").update(canonicalJson(features)).digest("hex").slice(0, 40);
  const seen = inPlace.get(ctx.stripe) ?? new Map<Kind, { fingerprint: string; id: string }>();
  const known = seen.get(kind);
  if (known?.fingerprint === fingerprint) return known.id;
  const { id } = await configure(ctx, features, { kind, fingerprint });
  inPlace.set(ctx.stripe, seen.set(kind, { fingerprint, id }));
  return id;
}

async function configure(
  ctx: Ctx,
  features: Features,
  { kind, fingerprint }: { kind: Kind; fingerprint: string },
): Promise<Stripe.BillingPortal.Configuration> {
  const { configurations } = ctx.stripe.billingPortal;
  const active = await configurations.list({ active: true, limit: 100 }).autoPagingToArray({ limit: 1_000 });
  const ours = active.find(
    ({ metadata }) => metadata?.madeBy === "tollgate" && (metadata.kind ?? "usual") === kind,
  );
  const metadata = { madeBy: "tollgate", kind, fingerprint };
  if (!ours) {
    const idempotencyKey = `portal-configuration:${kind}:${fingerprint}`;
    return configurations.create({ features, metadata }, { idempotencyKey });
  }
  if (ours.metadata?.fingerprint === fingerprint) return ours;
  return configurations.update(ours.id, { features, metadata });
}

async function portalFeatures(ctx: Ctx): Promise<Features> {
  const products = await offeredProducts(ctx);
  return {
    customer_update: { enabled: true, allowed_updates: ["email", "name", "address", "tax_id"] },
    invoice_history: { enabled: true },
    payment_method_update: { enabled: true },
    subscription_cancel: { enabled: true, mode: "at_period_end" },
    subscription_update:
      products.length === 0
        ? { enabled: false }
        : {
            enabled: true,
            default_allowed_updates: ["price"],
            proration_behavior: "always_invoice",
            products,
          },
  };
}

/** The plans sold now, by product, as far as their prices were pushed. */
async function offeredProducts(ctx: Ctx): Promise<Products> {
  const plans = (await currentPrices(ctx)).filter(({ interval }) => interval !== null);
  const recorded = await recordedPrices(
    ctx,
    plans.map(({ lookupKey }) => lookupKey),
  );
  const byProduct = new Map<string, string[]>();
  for (const { lookupKey } of plans) {
    const row = recorded.get(lookupKey);
    if (row) byProduct.set(row.productId, [...(byProduct.get(row.productId) ?? []), row.priceId]);
  }
  return [...byProduct].map(([product, prices]) => ({ product, prices }));
}
