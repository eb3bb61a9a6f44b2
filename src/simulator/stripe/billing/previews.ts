import type Stripe from "stripe";
import { notSimulated } from "../errors";
import type { World } from "../world";
import { type InvoiceDraft, invoiceFields, pendingLines } from "./invoice-draft";
import { nextBoundary } from "./periods";
import { enterPhase, scheduleOf } from "./phases";
import { phasesOf } from "./schedules";
import { previewDiscounts } from "./subscription-discounts";
import { periodLine, productName } from "./subscription-items";
import { applyUpdate, type SubscriptionUpdate } from "./subscription-update";

function previewUpdate(details: Stripe.InvoiceCreatePreviewParams.SubscriptionDetails): SubscriptionUpdate {
  return {
    items: details.items ?? [],
    prorationBehavior: (details.proration_behavior ??
      "create_prorations") as SubscriptionUpdate["prorationBehavior"],
    resetsAnchor: details.billing_cycle_anchor?.type === "now",
    endsTrial: details.trial_end === "now",
    paymentBehavior: "allow_incomplete",
    ...(details.proration_date === undefined ? {} : { prorationDate: details.proration_date }),
  };
}

/** The phases as they are, or as they would be. */
function plannedPhases(
  world: World,
  subscription: Stripe.Subscription,
  wanted: Stripe.InvoiceCreatePreviewParams["schedule_details"],
): Stripe.SubscriptionSchedule.Phase[] | undefined {
  const schedule = scheduleOf(world, subscription);
  if (!wanted?.phases) return schedule?.phases;
  if (!schedule) throw notSimulated("previews of schedules that do not exist yet");
  return phasesOf(world, schedule, wanted.phases);
}

/** What the next invoice of a subscription would be, or the one an update would issue at once. */
export function previewInvoice(world: World, params: Stripe.InvoiceCreatePreviewParams): Stripe.Invoice {
  const schedule = params.schedule ? world.get("subscription_schedule", params.schedule, "schedule") : null;
  const id = params.subscription ?? (schedule?.subscription as string | undefined);
  if (!id) throw notSimulated("previews without a subscription");
  const copy = structuredClone(world.get("subscription", id, "subscription"));
  const phases = plannedPhases(world, copy, params.schedule_details);
  const details = params.subscription_details ?? {};
  const update = previewUpdate(details);
  const bill = applyUpdate(world, copy, update);
  const isRecurring = params.preview_mode === "recurring";
  const isImmediate =
    !isRecurring && (bill.newPeriod.length > 0 || update.prorationBehavior === "always_invoice");
  const { current_period_start: start, current_period_end: end } = copy.items.data[0]!;
  if (!isImmediate && enterPhase(world, copy, end, phases)) copy.billing_cycle_anchor = end;
  const nextPeriod = copy.items.data.map((item) => {
    const next = nextBoundary(copy.billing_cycle_anchor, item.current_period_end, item.price.recurring!);
    const period = { current_period_start: item.current_period_end, current_period_end: next };
    return periodLine({ ...item, ...period }, productName(world, item.price));
  });
  const lines = isImmediate ? bill.newPeriod : nextPeriod;
  const draft: InvoiceDraft = {
    customer: copy.customer as string,
    currency: copy.currency,
    reason: isImmediate && params.subscription_details ? "subscription_update" : "upcoming",
    subscription: copy,
    lines: isRecurring ? lines : [...pendingLines(world, copy.id), ...bill.prorations, ...lines],
    period: { start, end },
    discounts: previewDiscounts(world, copy, params.discounts, isImmediate ? world.now() : end),
  };
  const upcoming = world.ids.next("upcoming_in", 24);
  const invoice = world.build<Stripe.Invoice>("Invoices:Invoice", invoiceFields(world, upcoming, draft));
  if (invoice.parent?.subscription_details && details.proration_date !== undefined) {
    invoice.parent.subscription_details.subscription_proration_date = details.proration_date;
  }
  return invoice;
}
