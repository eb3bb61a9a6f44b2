import type Stripe from "stripe";
import { z } from "zod";
import type { Ctx, TenantCtx } from "../context";
import type { EventHandler } from "../webhooks/service";
import { retireCustomer, tenantOfCustomer } from "./customer";
import { lookAtPayment, type NamesPayment, noteFraudWarning } from "./look-at-payment";
import { idOf } from "./rules";
import { syncCustomer } from "./sync";
import { resumeTopUp } from "./top-up";

type EventType = Stripe.Event["type"];
type ObjectOf<T extends EventType> = Extract<Stripe.Event, { type: T }>["data"]["object"];

const ofCustomer = (object: { customer?: string | { id: string } | null }) => idOf(object.customer);

/**
 * Which customer an event is about: the only thing it is believed in. Everything else is looked up at Stripe, so
 * order, repeats and gaps don't matter. A new event type is a new line here.
 */
const customerOf = {
  "checkout.session.completed": ofCustomer,
  "checkout.session.async_payment_succeeded": ofCustomer,
  "checkout.session.async_payment_failed": ofCustomer,
  "checkout.session.expired": ofCustomer,
  "customer.subscription.created": ofCustomer,
  "customer.subscription.updated": ofCustomer,
  "customer.subscription.deleted": ofCustomer,
  "customer.subscription.paused": ofCustomer,
  "customer.subscription.resumed": ofCustomer,
  "customer.subscription.pending_update_applied": ofCustomer,
  "customer.subscription.pending_update_expired": ofCustomer,
  "invoice.paid": ofCustomer,
  "invoice.payment_failed": ofCustomer,
  "customer.deleted": (customer) => customer.id,
} satisfies { [T in EventType]?: (object: ObjectOf<T>) => string | null };

/** Payments without a page: whether an automatic top-up is waiting for this one, its own row knows. */
const payerOf = {
  "payment_intent.succeeded": ofCustomer,
  "payment_intent.payment_failed": ofCustomer,
  "payment_intent.canceled": ofCustomer,
} satisfies { [T in EventType]?: (object: ObjectOf<T>) => string | null };

/** Money that went back, or may: these name a payment, and the payment its customer. */
const MONEY_BACK = [
  "refund.created",
  "refund.updated",
  "refund.failed",
  "charge.refunded",
  "charge.dispute.created",
  "charge.dispute.updated",
  "charge.dispute.closed",
  "charge.dispute.funds_withdrawn",
  "charge.dispute.funds_reinstated",
] as const satisfies readonly EventType[];

const OTHER_ACCOUNT = { ignored: "The event is another Stripe account's." };
const payloadInput = z.object({ data: z.object({ object: z.looseObject({ object: z.string() }) }) });

type Work = (ctx: TenantCtx, customerId: string, type: string) => Promise<unknown>;

/** By event type. See `webhooks/service.ts`. */
export const stripeHandlers: Readonly<Record<string, EventHandler>> = Object.fromEntries([
  ...handlersOf(customerOf, converge),
  ...handlersOf(payerOf, resumeTopUp),
  ...MONEY_BACK.map((type) => [type, paymentHandler(lookAtPayment)] as const),
  ["radar.early_fraud_warning.created" satisfies EventType, paymentHandler(noteFraudWarning)],
]);

function handlersOf(find: object, work: Work): [string, EventHandler][] {
  return Object.entries(find).map(([type, customer]) => [type, handlerOf(customer, work)]);
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
  work: (ctx: Ctx, object: NamesPayment) => Promise<{ ignored: string } | undefined>,
): EventHandler {
  return async (ctx, event) => {
    if (event.account !== "") return OTHER_ACCOUNT;
    return work(ctx, paymentInput.parse(event.payload).data.object);
  };
}

function handlerOf(find: (object: object) => string | null, work: Work): EventHandler {
  return async (ctx, event) => {
    if (event.account !== "") return OTHER_ACCOUNT;
    const customerId = find(payloadInput.parse(event.payload).data.object);
    const tenantCtx = customerId ? await tenantOfCustomer(ctx, customerId) : null;
    if (!customerId || !tenantCtx) return { ignored: "No workspace has this Stripe customer." };
    await work(tenantCtx, customerId, event.type);
    return undefined;
  };
}

async function converge(ctx: TenantCtx, customerId: string, type: string): Promise<void> {
  await syncCustomer(ctx);
  if (type === "customer.deleted") await retireCustomer(ctx, customerId);
}
