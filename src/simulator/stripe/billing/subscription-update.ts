import type Stripe from "stripe";
import { mergeMetadata } from "../changes";
import { cardError, invalidRequest, noSuch } from "../errors";
import type { Debited } from "../kinds";
import type { World } from "../world";
import { defaultMethodOf } from "./cards";
import { collect } from "./collection";
import type { LineDraft } from "./invoice-draft";
import { createInvoiceItems } from "./invoice-items";
import { DECLINE, expectedOutcome } from "./payments";
import { hoursLater, nextBoundary } from "./periods";
import { prorationLines } from "./proration";
import { assertRecurring, newItem, periodLine, productName, setItemPrice } from "./subscription-items";
import { invoiceSubscription } from "./subscriptions";

interface ItemChange {
  id?: string;
  price?: string;
  quantity?: number;
  deleted?: boolean;
  metadata?: "" | null | Record<string, string | number | null>;
}

export interface SubscriptionUpdate {
  items: ItemChange[];
  prorationBehavior: "create_prorations" | "always_invoice" | "none";
  /** Unix seconds; the moment prorations are computed for. */
  prorationDate?: number;
  /** Start a new period now. */
  resetsAnchor: boolean;
  endsTrial: boolean;
  paymentBehavior: "allow_incomplete" | "error_if_incomplete" | "pending_if_incomplete";
}

/** What an update would bill: prorations that may wait, and lines of a new period that may not. */
interface UpdateBill {
  prorations: LineDraft[];
  newPeriod: LineDraft[];
}

const PENDING_UPDATE_HOURS = 23;

function changedItem(world: World, subscription: Stripe.Subscription, change: ItemChange): void {
  const items = subscription.items.data;
  const item = items.find((each) => each.id === change.id);
  if (change.id && !item) throw noSuch("subscription item", change.id, "items[0][id]");
  if (!item) {
    if (!change.price) throw invalidRequest("Missing required param: items[0][price].", "items[0][price]");
    const { current_period_start: start, current_period_end: end } = items[0]!;
    const price = world.get("price", change.price, "items[0][price]");
    const added = { price, quantity: change.quantity ?? 1, metadata: mergeMetadata({}, change.metadata) };
    items.push(newItem(world, subscription.id, added, { start, end }));
    return;
  }
  if (change.deleted) {
    items.splice(items.indexOf(item), 1);
    return;
  }
  if (change.price) setItemPrice(world, item, world.get("price", change.price, "items[0][price]"));
  if (change.quantity !== undefined) item.quantity = change.quantity;
  item.metadata = mergeMetadata(item.metadata, change.metadata);
}

function restartPeriod(world: World, subscription: Stripe.Subscription): void {
  const now = world.now();
  subscription.billing_cycle_anchor = now;
  for (const item of subscription.items.data) {
    item.current_period_start = now;
    item.current_period_end = nextBoundary(now, now, item.price.recurring!);
  }
}

/**
 * Changes a subscription in place and answers what that costs. Announces nothing, so a preview can run it
 * on a copy.
 */
export function applyUpdate(
  world: World,
  subscription: Stripe.Subscription,
  update: SubscriptionUpdate,
): UpdateBill {
  const before = structuredClone(subscription.items.data);
  for (const change of update.items) changedItem(world, subscription, change);
  const recurring = assertRecurring(subscription.items.data.map((item) => item.price));
  const old = before[0]!.price.recurring!;
  const changesInterval =
    old.interval !== recurring.interval || old.interval_count !== recurring.interval_count;
  const isTrial = subscription.status === "trialing" && !update.endsTrial;
  const restarts = (changesInterval && !isTrial) || update.resetsAnchor || update.endsTrial;
  const date = update.prorationDate ?? world.now();
  const wasTrial = subscription.status === "trialing";
  if (update.endsTrial) {
    subscription.status = "active";
    subscription.trial_end = world.now();
  }
  if (restarts) restartPeriod(world, subscription);
  if (subscription.cancel_at_period_end)
    subscription.cancel_at = subscription.items.data[0]!.current_period_end;
  const prorates = update.prorationBehavior !== "none" && !wasTrial;
  const after = subscription.items.data;
  return {
    prorations: prorates ? prorationLines(world, subscription, before, restarts ? [] : after, date) : [],
    newPeriod: restarts ? after.map((item) => periodLine(item, productName(world, item.price))) : [],
  };
}

function assertPayable(world: World, subscription: Stripe.Subscription, bill: UpdateBill): void {
  const total = [...bill.prorations, ...bill.newPeriod].reduce((sum, line) => sum + line.amount, 0);
  const customer = world.get("customer", subscription.customer as string);
  if (total + customer.balance <= 0) return;
  const method = defaultMethodOf(world, customer.id, subscription);
  if (expectedOutcome(world, method) !== "succeeded") throw cardError(DECLINE);
}

// The old state comes back until the invoice is paid; the new one is kept aside.
function suspend(
  world: World,
  subscription: Stripe.Subscription,
  before: Stripe.Subscription,
  invoice: Stripe.Invoice,
  debitedBefore: Debited | undefined,
): void {
  const hidden = world.store.hidden("subscription", subscription.id);
  const { items, billing_cycle_anchor, status, trial_end, cancel_at } = structuredClone(subscription);
  const target = { items, billing_cycle_anchor, status, trial_end, cancel_at };
  hidden.pendingUpdate = { invoice: invoice.id, target, ...(hidden.debited && { debited: hidden.debited }) };
  if (debitedBefore) hidden.debited = debitedBefore;
  Object.assign(subscription, before, { latest_invoice: invoice.id });
  subscription.pending_update = world.build<Stripe.Subscription.PendingUpdate>(
    "Subscriptions:Subscription.PendingUpdate",
    { expires_at: hoursLater(world.now(), PENDING_UPDATE_HOURS), subscription_items: items.data },
  );
  invoice.next_payment_attempt = null;
  invoice.auto_advance = false;
}

function noteCharges(world: World, { id }: Stripe.Subscription, lines: LineDraft[]): void {
  const hidden = world.store.hidden("subscription", id);
  for (const { subscriptionItem, amount, period, debits } of lines) {
    if (!debits || !subscriptionItem) continue;
    hidden.debited = { ...hidden.debited, [subscriptionItem]: { amount, ...period } };
  }
}

/**
 * Runs an update of items, trial or billing cycle: prorations, the invoice when one is due, its payment.
 * The caller has announced nothing yet; `announce` emits the update once the order of events allows it.
 * @throws StripeApiError 402 when the card fails under `error_if_incomplete`; nothing is changed then.
 */
export function runUpdate(
  world: World,
  subscription: Stripe.Subscription,
  update: SubscriptionUpdate,
  announce: () => void,
): void {
  const before = structuredClone(subscription);
  const trial = structuredClone(subscription);
  const bill = applyUpdate(world, trial, update);
  if (update.paymentBehavior === "error_if_incomplete") assertPayable(world, trial, bill);
  Object.assign(subscription, trial);
  const debitedBefore = structuredClone(world.store.hidden("subscription", subscription.id).debited);
  createInvoiceItems(world, subscription, bill.prorations);
  noteCharges(world, subscription, bill.prorations);
  const invoicesNow = bill.newPeriod.length > 0 || update.prorationBehavior === "always_invoice";
  const isEmpty = bill.newPeriod.length + bill.prorations.length === 0;
  if (!invoicesNow || isEmpty) {
    announce();
    return;
  }
  const invoice = invoiceSubscription(world, subscription, "subscription_update", bill.newPeriod);
  const method = defaultMethodOf(world, subscription.customer as string, subscription);
  const willFail = invoice.amount_due > 0 && expectedOutcome(world, method) !== "succeeded";
  if (willFail && update.paymentBehavior === "pending_if_incomplete") {
    suspend(world, subscription, before, invoice, debitedBefore);
    announce();
    collect(world, invoice, { automatic: false });
    return;
  }
  announce();
  collect(world, invoice, { automatic: true });
}
