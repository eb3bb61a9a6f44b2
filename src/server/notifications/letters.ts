import { type Facts, type FactType, facts } from "../events/facts";
import { billingInvoiceCredited } from "./kinds/billing-invoice-credited";
import { billingInvoiceDue } from "./kinds/billing-invoice-due";
import { billingInvoicePaid } from "./kinds/billing-invoice-paid";
import { billingPastDue } from "./kinds/billing-past-due";
import { billingPaymentFailed } from "./kinds/billing-payment-failed";
import { billingPlanChanged } from "./kinds/billing-plan-changed";
import { billingPlanEnding } from "./kinds/billing-plan-ending";
import { billingPlanMoveUndone } from "./kinds/billing-plan-move-undone";
import { billingPlanMoved } from "./kinds/billing-plan-moved";
import { billingPlanMoving } from "./kinds/billing-plan-moving";
import { billingTrialEnding } from "./kinds/billing-trial-ending";
import { creditsDebt } from "./kinds/credits-debt";
import { creditsExpiring } from "./kinds/credits-expiring";
import { creditsLow } from "./kinds/credits-low";
import { creditsTopUpFailed } from "./kinds/credits-top-up-failed";
import { orderDisputed } from "./kinds/order-disputed";
import { orderFulfilled } from "./kinds/order-fulfilled";
import { orderRefunded } from "./kinds/order-refunded";
import { quotaForecast } from "./kinds/quota-forecast";
import { quotaThreshold } from "./kinds/quota-threshold";
import type { About, Letter, Template } from "./letter";

/** What is told of every fact there is. Total: a fact without a letter does not compile. */
export const letters: { readonly [T in FactType]: Template<T> } = {
  "quota.threshold": quotaThreshold,
  "quota.forecast": quotaForecast,
  "credits.low": creditsLow,
  "credits.expiring": creditsExpiring,
  "credits.top_up_failed": creditsTopUpFailed,
  "credits.debt": creditsDebt,
  "order.fulfilled": orderFulfilled,
  "order.refunded": orderRefunded,
  "order.disputed": orderDisputed,
  "billing.invoice_paid": billingInvoicePaid,
  "billing.invoice_due": billingInvoiceDue,
  "billing.invoice_credited": billingInvoiceCredited,
  "billing.payment_failed": billingPaymentFailed,
  "billing.past_due": billingPastDue,
  "billing.plan_changed": billingPlanChanged,
  "billing.plan_moving": billingPlanMoving,
  "billing.plan_moved": billingPlanMoved,
  "billing.plan_move_undone": billingPlanMoveUndone,
  "billing.trial_ending": billingTrialEnding,
  "billing.plan_ending": billingPlanEnding,
};

/** The letter of an outbox's row. @throws ZodError when its payload is not of its type's shape */
export function letterOf<T extends FactType>(type: T, payload: unknown, about: About): Letter {
  return letters[type].write(facts[type].parse(payload) as Facts[T], about);
}

/** The letter of a made-up fact, for the preview. */
export function exampleOf(type: FactType, about: About): Letter {
  return letterOf(type, letters[type].example, about);
}
