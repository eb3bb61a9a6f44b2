import type Stripe from "stripe";
import { z } from "zod";
import type { Ctx, TenantCtx } from "../context";
import { noteInvoice } from "../invoices/note-invoice";
import { lookAtPaidInvoice } from "../invoices/tell-invoice-paid";
import { retireCustomer, tenantOfCustomer } from "../stripe/customer";
import { idOf } from "../stripe/rules";
import { isLiveClient } from "../stripe/stripe-client";
import { resumeTopUp } from "../top-ups/top-up";
import type { EventHandler, ReceivedEvent, Refusal } from "../webhooks/service";
import { lookAtPayment, type NamesPayment, noteFraudWarning } from "./look-at-payment";
import { notePriceDrift } from "./note-drift";
import { syncCustomer } from "./sync";

type EventType = Stripe.Event["type"];

interface Handling {
  work: EventHandler;
  /** Money rests on it: its payload is kept for good. */
  isMoney?: true;
}

const sync: Handling = { work: customerHandler(converge) };
const syncMoney: Handling = { ...sync, isMoney: true };
const topUpPayment: Handling = { work: customerHandler(resumeTopUp), isMoney: true };
const moneyBack: Handling = { work: paymentHandler(lookAtPayment), isMoney: true };
const priceChange: Handling = { work: guarded(async (ctx) => void (await notePriceDrift(ctx))) };
/** Stripe tells it, and somebody looking for it finds it in the inbox. */
const noted = (ignored: string): Handling => ({ work: guarded(async () => ({ ignored })) });
const askedWhenNeeded = noted("Nothing is kept of it: Stripe is asked when it is needed.");

/**
 * Every event that Stripe is asked to send, and what is done with it: the endpoint is registered with exactly these. An
 * event is believed only in *whom* it is about; the rest is looked up, so order, repeats and gaps don't matter.
 */
export const stripeEvents = {
  "checkout.session.completed": syncMoney,
  "checkout.session.async_payment_succeeded": syncMoney,
  "checkout.session.async_payment_failed": syncMoney,
  "checkout.session.expired": sync,
  "customer.subscription.created": sync,
  "customer.subscription.updated": sync,
  "customer.subscription.deleted": sync,
  "customer.subscription.paused": sync,
  "customer.subscription.resumed": sync,
  "customer.subscription.trial_will_end": sync,
  "customer.subscription.pending_update_applied": sync,
  "customer.subscription.pending_update_expired": sync,
  "invoice.created": sync,
  "invoice.finalized": sync,
  "invoice.finalization_failed": sync,
  "invoice.paid": { work: customerHandler(convergeInvoice), isMoney: true },
  "invoice.payment_failed": sync,
  "invoice.payment_action_required": sync,
  "invoice.updated": sync,
  "invoice.voided": sync,
  "invoice.marked_uncollectible": sync,
  "invoice.upcoming": sync,
  "credit_note.created": sync,
  "credit_note.updated": sync,
  "credit_note.voided": sync,
  "payment_intent.succeeded": topUpPayment,
  "payment_intent.payment_failed": topUpPayment,
  "payment_intent.canceled": topUpPayment,
  "refund.created": moneyBack,
  "refund.updated": moneyBack,
  "refund.failed": moneyBack,
  "charge.refunded": moneyBack,
  "charge.dispute.created": moneyBack,
  "charge.dispute.updated": moneyBack,
  "charge.dispute.closed": moneyBack,
  "charge.dispute.funds_withdrawn": moneyBack,
  "charge.dispute.funds_reinstated": moneyBack,
  "radar.early_fraud_warning.created": { work: paymentHandler(noteFraudWarning), isMoney: true },
  "setup_intent.succeeded": sync,
  "setup_intent.setup_failed": sync,
  "customer.updated": sync,
  "customer.deleted": sync,
  "customer.tax_id.created": sync,
  "customer.tax_id.updated": sync,
  "customer.tax_id.deleted": sync,
  "payment_method.attached": sync,
  "payment_method.detached": sync,
  "payment_method.updated": sync,
  "payment_method.automatically_updated": sync,
  "subscription_schedule.updated": sync,
  "subscription_schedule.released": sync,
  "subscription_schedule.canceled": sync,
  "subscription_schedule.completed": sync,
  "subscription_schedule.aborted": sync,
  "product.created": askedWhenNeeded,
  "product.updated": priceChange,
  "product.deleted": priceChange,
  "price.created": askedWhenNeeded,
  "price.updated": priceChange,
  "price.deleted": priceChange,
  "coupon.created": askedWhenNeeded,
  "coupon.updated": askedWhenNeeded,
  "coupon.deleted": askedWhenNeeded,
  "promotion_code.created": askedWhenNeeded,
  "promotion_code.updated": askedWhenNeeded,
  "entitlements.active_entitlement_summary.updated": noted(
    "What a plan allows stands in our own price list.",
  ),
} satisfies { [T in EventType]?: Handling };

/** By event type. See `webhooks/service.ts`. */
export const stripeHandlers: Readonly<Record<string, EventHandler>> = Object.fromEntries(
  Object.entries(stripeEvents).map(([type, { work }]) => [type, work]),
);

/** An event as the inbox keeps it, however we learned of it. */
export function receivedOf(event: Stripe.Event): ReceivedEvent {
  const handlings: Readonly<Record<string, Handling | undefined>> = stripeEvents;
  return {
    provider: "stripe",
    account: event.account ?? "",
    eventId: event.id,
    type: event.type,
    apiVersion: event.api_version,
    livemode: event.livemode,
    payload: event as unknown as Record<string, unknown>,
    keep: Object.hasOwn(handlings, event.type) && handlings[event.type]?.isMoney === true,
  };
}

/** Whatever came to the wrong place waits for a person, who may set the keys right and have it worked off again. */
function guarded(work: EventHandler): EventHandler {
  return async (ctx, event) => {
    if (event.account !== "")
      return { quarantined: `The event is another Stripe account's: ${event.account}.` };
    if (event.livemode !== isLiveClient(ctx.stripe))
      return { quarantined: `The event is of ${event.livemode ? "live" : "test"} mode, and our key is not.` };
    return work(ctx, event);
  };
}

const referenceInput = z.union([z.string(), z.looseObject({ id: z.string() })]).nullish();
const paymentInput = z.object({
  data: z.object({
    object: z.looseObject({
      id: z.string(),
      object: z.string(),
      payment_intent: referenceInput,
      charge: referenceInput,
    }),
  }),
});

function paymentHandler(
  work: (ctx: Ctx, object: NamesPayment) => Promise<Refusal | undefined>,
): EventHandler {
  return guarded((ctx, event) => work(ctx, paymentInput.parse(event.payload).data.object));
}

const customerInput = z.object({
  data: z.object({
    // An upcoming invoice has no id.
    object: z.looseObject({
      object: z.string(),
      id: z.string().optional(),
      customer: referenceInput,
      invoice: referenceInput,
    }),
    previous_attributes: z.looseObject({ customer: referenceInput }).nullish(),
  }),
});

/** @param about `type`: the event's; `objectId`: what it names */
type CustomerWork = (
  ctx: TenantCtx,
  customerId: string,
  about: { type: string; objectId: string | undefined },
) => Promise<unknown>;

function customerHandler(work: CustomerWork): EventHandler {
  return guarded(async (ctx, event) => {
    const { object, previous_attributes: before } = customerInput.parse(event.payload).data;
    // What was detached names its customer only in what it was before.
    const named = object.object === "customer" ? object.id : idOf(object.customer ?? before?.customer);
    const tenantCtx = named ? await tenantOfCustomer(ctx, named) : null;
    if (!named || !tenantCtx) return { ignored: "No workspace has this Stripe customer." };
    const invoiceId = object.object === "invoice" ? object.id : idOf(object.invoice);
    if (invoiceId) await noteInvoice(tenantCtx, invoiceId);
    await work(tenantCtx, named, { type: event.type, objectId: object.id });
    return undefined;
  });
}

async function converge(ctx: TenantCtx, customerId: string, { type }: { type: string }): Promise<void> {
  await syncCustomer(ctx);
  if (type === "customer.deleted") await retireCustomer(ctx, customerId);
}

async function convergeInvoice(
  ctx: TenantCtx,
  _customerId: string,
  { objectId }: { objectId: string | undefined },
): Promise<void> {
  await syncCustomer(ctx);
  if (objectId) await lookAtPaidInvoice(ctx, objectId);
}
