import type Stripe from "stripe";
import { idOf } from "../stripe/rules";

/** What a session's state means for our row: `pending` is a payment on its way, such as a bank debit. */
export type Settlement = "open" | "pending" | "paid" | "expired";

/**
 * @param session with `payment_intent` and `subscription` expanded; null when Stripe doesn't know it
 * @param sellsOrder whether something is granted once it is paid: a subscription alone follows its own status
 */
export function settlementOf(session: Stripe.Checkout.Session | null, sellsOrder: boolean): Settlement {
  if (!session || session.status === "expired") return "expired";
  if (session.status !== "complete") return "open";
  if (session.payment_status !== "unpaid") return "paid";
  if (session.mode === "subscription") return sellsOrder ? firstInvoiceOf(session) : "paid";
  const intent = session.payment_intent;
  const onItsWay = intent !== null && (typeof intent === "string" || intent.status === "processing");
  return onItsWay ? "pending" : "expired";
}

const NEVER_PAID: ReadonlySet<string> = new Set(["incomplete_expired", "canceled", "unpaid"]);

/** A first invoice that nobody paid stays on its way for as long as its subscription may still begin. */
function firstInvoiceOf({ subscription }: Stripe.Checkout.Session): Settlement {
  const status = typeof subscription === "string" ? "incomplete" : (subscription?.status ?? "incomplete");
  return NEVER_PAID.has(status) ? "expired" : "pending";
}

/** The payment intent that paid a session, or its first invoice. @param session with `invoice.payments` expanded */
export function paymentIdOf(session: Stripe.Checkout.Session | null): string | null {
  const own = idOf(session?.payment_intent);
  if (own || !session?.invoice || typeof session.invoice === "string") return own;
  const payments = session.invoice.payments?.data ?? [];
  const paid = payments.find(({ status }) => status === "paid") ?? payments[0];
  return idOf(paid?.payment.payment_intent);
}
