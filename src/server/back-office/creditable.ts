import type Stripe from "stripe";
import type { TenantCtx } from "../context";
import { AppError } from "../errors";
import { isRefunding, isWithdrawn } from "../orders/money-back-rules";
import { knownCustomer } from "../stripe/customer";
import { idOf } from "../stripe/rules";
import { asProviderError, isMissingAtStripe } from "../stripe/stripe-client";
import { decidingSubscription } from "../subscriptions/rules";
import { localSubscriptions } from "../subscriptions/subscription";

/** What of an invoice is to be credited, and how. */
export interface Creditable {
  invoiceId: string;
  amountMinor: bigint;
  currency: string;
  give: "refund" | "balance" | "nothing";
  paymentId: string | null;
  /** Of a plan that is to end with it. */
  subscriptionId: string | null;
}

interface Wish {
  invoiceId: string;
  amountMinor?: number | undefined;
  give: "refund" | "balance";
  plan: string;
}

/**
 * Looks at Stripe how much of the invoice can be credited: of an open one what is still owed, of a paid one what no
 * credit note has taken and, when it goes back to the payer, what its payment still holds.
 * @throws AppError NOT_FOUND, INVALID_INPUT for more, CONFLICT when nothing is left, PAYMENT_PROVIDER
 */
export async function creditableOf(ctx: TenantCtx, wish: Wish): Promise<Creditable> {
  const invoice = await ownInvoice(ctx, wish.invoiceId);
  const isPaid = invoice.status === "paid";
  if (!isPaid && invoice.status !== "open" && invoice.status !== "uncollectible")
    throw new AppError("CONFLICT", `An invoice that is ${invoice.status} can't be credited.`);
  const give = isPaid ? wish.give : "nothing";
  const payment = give === "refund" ? await paymentOf(ctx, invoice) : null;
  const uncredited = invoice.total - invoice.post_payment_credit_notes_amount;
  const left = isPaid ? Math.min(uncredited, payment?.left ?? uncredited) : invoice.amount_remaining;
  if (left <= 0) throw new AppError("CONFLICT", "Nothing of this invoice is left to be credited.");
  if (wish.amountMinor !== undefined && wish.amountMinor > left)
    throw new AppError("INVALID_INPUT", `No more than ${left} minor units can be credited.`);
  return {
    invoiceId: invoice.id,
    amountMinor: BigInt(wish.amountMinor ?? left),
    currency: invoice.currency,
    give,
    paymentId: payment?.paymentId ?? null,
    subscriptionId: wish.plan === "keep" ? null : await endingSubscription(ctx, invoice),
  };
}

async function ownInvoice(ctx: TenantCtx, id: string): Promise<Stripe.Invoice> {
  const missing = new AppError("NOT_FOUND", "There is no such invoice.");
  const customer = await knownCustomer(ctx);
  if (!customer) throw missing;
  try {
    const invoice = await ctx.stripe.invoices.retrieve(id, { expand: ["payments"] });
    if (idOf(invoice.customer) !== customer) throw missing;
    return invoice;
  } catch (error) {
    throw isMissingAtStripe(error) ? missing : asProviderError(error);
  }
}

/** The payment that holds the most of the invoice's money; one paid outside of Stripe has none to give back. */
async function paymentOf(
  ctx: TenantCtx,
  { payments }: Stripe.Invoice,
): Promise<{ paymentId: string | null; left: number }> {
  const paid = (payments?.data ?? []).find(({ status }) => status === "paid");
  const paymentId = idOf(paid?.payment.payment_intent);
  if (!paymentId) return { paymentId: null, left: 0 };
  try {
    const [intent, refunds, disputes] = await Promise.all([
      ctx.stripe.paymentIntents.retrieve(paymentId),
      ctx.stripe.refunds.list({ payment_intent: paymentId, limit: 100 }),
      ctx.stripe.disputes.list({ payment_intent: paymentId, limit: 100 }),
    ]);
    if (disputes.data.some(({ status }) => isWithdrawn(status)))
      throw new AppError("CONFLICT", "The payment is disputed: its money is with the bank.");
    const gone = refunds.data.filter(({ status }) => isRefunding({ status: status ?? "pending" }));
    return { paymentId, left: intent.amount_received - gone.reduce((sum, { amount }) => sum + amount, 0) };
  } catch (error) {
    throw asProviderError(error);
  }
}

async function endingSubscription(ctx: TenantCtx, { parent }: Stripe.Invoice): Promise<string> {
  const subscription = idOf(parent?.subscription_details?.subscription);
  const live = decidingSubscription(await localSubscriptions(ctx));
  if (!subscription || live?.subscriptionId !== subscription)
    throw new AppError("INVALID_INPUT", "This invoice is not of the running subscription.");
  return subscription;
}
