import type Stripe from "stripe";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { audit } from "../events/service";
import { parseInput } from "../parse";
import { knownCustomer } from "../stripe/customer";
import { idOf } from "../stripe/rules";
import { asProviderError } from "../stripe/stripe-client";
import { inTurn } from "../stripe/turn";
import { discountsOf, meantCode, refuseCode } from "../subscriptions/discount-rules";
import { decidingSubscription } from "../subscriptions/rules";
import {
  localSubscriptions,
  type SubscriptionRow,
  type SubscriptionView,
  subscriptionOf,
} from "../subscriptions/subscription";
import { syncCustomer } from "../sync/sync";
import { type RedeemCodeInput, redeemCodeInput } from "./inputs";

/** More codes of one name nobody has had. */
const MAX_CODES = 100;

/**
 * Redeems a promotion code for the subscription that runs: its next invoices are less. One discount runs at a time. The
 * same code again changes nothing more.
 * @throws AppError CODE_UNKNOWN, CODE_EXPIRED, CODE_USED_UP, CODE_NOT_FOR_PLAN, CODE_BELOW_MINIMUM, CONFLICT (no
 * subscription, or one that has a discount), INVALID_INPUT, PAYMENT_PROVIDER, BUSY
 */
export async function redeemPromotionCode(ctx: TenantCtx, input: RedeemCodeInput): Promise<SubscriptionView> {
  const { code } = parseInput(redeemCodeInput, input);
  if (!ctx.prices.promotionCodes)
    throw new AppError("CODE_UNKNOWN", "There is no such code.", {
      hint: "promotionCodes: true in src/config/plans.ts lets people enter codes.",
    });
  const customer = await knownCustomer(ctx);
  if (!customer) throw noSubscription();
  await syncCustomer(ctx);
  try {
    await inTurn(ctx, () => redeemInTurn(ctx, customer, code));
  } catch (error) {
    throw asProviderError(error);
  }
  await syncCustomer(ctx);
  return subscriptionOf(ctx);
}

async function redeemInTurn(ctx: TenantCtx, customer: string, name: string): Promise<void> {
  const row = decidingSubscription(await localSubscriptions(ctx));
  if (!row) throw noSubscription();
  const code = await findCode(ctx, customer, name);
  // Not our copy: somebody else may have had the turn since it was made.
  const expand = ["discounts.source.coupon", "discounts.promotion_code"];
  const subscription = await ctx.stripe.subscriptions.retrieve(row.subscriptionId, { expand });
  const discounts = discountsOf(subscription);
  if (discounts.some(({ promotionCode }) => promotionCode === code.id)) return;
  if (discounts.length > 0)
    throw new AppError(
      "CONFLICT",
      "Another discount runs already. When it has ended, this code can be used.",
    );
  if (subscription.pending_update)
    throw new AppError("CONFLICT", "A change waits for its payment. Pay it or undo it first.", {
      hint: "billing.undoChange",
    });
  await refuse(ctx, { row, subscription, code, customer });
  await inTenant(ctx, (_tx, inner) =>
    audit(inner, {
      action: "subscription.code_requested",
      subject: row.subscriptionId,
      details: { code: code.code, promotionCode: code.id },
    }),
  );
  await ctx.stripe.subscriptions.update(row.subscriptionId, { discounts: [{ promotion_code: code.id }] });
}

async function findCode(ctx: TenantCtx, customer: string, code: string): Promise<Stripe.PromotionCode> {
  const expand = ["data.promotion.coupon.applies_to"];
  const { data } = await ctx.stripe.promotionCodes.list({ code, limit: MAX_CODES, expand });
  return meantCode(data, { customer });
}

function noSubscription(): AppError {
  return new AppError("CONFLICT", "There is no subscription to take something off.");
}

interface Attempt {
  row: SubscriptionRow;
  subscription: Stripe.Subscription;
  code: Stripe.PromotionCode;
  customer: string;
}

async function refuse(ctx: TenantCtx, { row, subscription, code, customer }: Attempt): Promise<void> {
  const { coupon } = code.promotion;
  if (!coupon || typeof coupon === "string") throw new AppError("CODE_UNKNOWN", "There is no such code.");
  const item = subscription.items.data.find(({ price }) => price.id === row.priceId);
  refuseCode(code, coupon, {
    customer,
    product: idOf(item?.price.product),
    amountMinor: row.amountMinor * BigInt(row.quantity),
    currency: row.currency,
    now: ctx.now(),
  });
  if (!code.restrictions.first_time_transaction) return;
  const { data } = await ctx.stripe.charges.list({ customer, limit: MAX_CODES });
  if (data.some(({ paid }) => paid))
    throw new AppError("CODE_NOT_FOR_PLAN", "This code is for a first payment only.");
}
