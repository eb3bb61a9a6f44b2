import type { TRPCRouterRecord } from "@trpc/server";
import { invoiceInput, invoicesInput } from "../invoices/inputs";
import { invoiceOf, listInvoices } from "../invoices/invoices";
import { checkoutInput, orderInput, ordersInput } from "../orders/inputs";
import { listOffers } from "../orders/offers";
import { listOrders, orderOf } from "../orders/orders";
import { comingVersion } from "../plan-moves/coming-version";
import { pastDueOf } from "../subscriptions/dunning";
import { subscriptionOf } from "../subscriptions/subscription";
import { autoTopUp, setAutoTopUp } from "../top-ups/auto-top-up";
import { setAutoTopUpInput } from "../top-ups/inputs";
import { can, publicProcedure, tenantProcedure } from "../trpc";
import { changePlan } from "./change-plan";
import { startCheckout } from "./checkout";
import { addTaxId, billingDetails, removeTaxId, updateDetails } from "./details";
import { cancelSubscription, resumeSubscription, undoChange } from "./end-subscription";
import {
  addTaxIdInput,
  cancelInput,
  changePlanInput,
  pauseInput,
  paymentMethodInput,
  previewChangeInput,
  redeemCodeInput,
  returnInput,
  taxIdInput,
  updateDetailsInput,
} from "./inputs";
import { paidDays, previewCheckout } from "./paid-days";
import { pauseSubscription } from "./pause";
import {
  addPaymentMethod,
  listPaymentMethods,
  removePaymentMethod,
  setDefaultPaymentMethod,
} from "./payment-methods";
import { openPortal } from "./portal";
import { previewChange } from "./preview-change";
import { redeemPromotionCode } from "./redeem-code";
import { completeReturn, refreshBilling } from "./return";

export const billingRouter = {
  plans: publicProcedure.query(({ ctx }) => listOffers(ctx)),
  subscription: tenantProcedure.query(({ ctx }) => subscriptionOf(ctx)),
  comingVersion: tenantProcedure.query(({ ctx }) => comingVersion(ctx)),
  pastDue: tenantProcedure.query(({ ctx }) => pastDueOf(ctx)),
  checkout: can("billing:write")
    .input(checkoutInput)
    .mutation(({ ctx, input }) => startCheckout(ctx, input)),
  previewCheckout: can("billing:write")
    .input(checkoutInput)
    .query(({ ctx, input }) => previewCheckout(ctx, input)),
  paidDays: tenantProcedure.query(({ ctx }) => paidDays(ctx)),
  orders: can("billing:read")
    .input(ordersInput)
    .query(({ ctx, input }) => listOrders(ctx, input)),
  order: can("billing:read")
    .input(orderInput)
    .query(({ ctx, input }) => orderOf(ctx, input)),
  previewChange: can("billing:write")
    .input(previewChangeInput)
    .query(({ ctx, input }) => previewChange(ctx, input)),
  changePlan: can("billing:write")
    .input(changePlanInput)
    .mutation(({ ctx, input }) => changePlan(ctx, input)),
  undoChange: can("billing:write").mutation(({ ctx }) => undoChange(ctx)),
  redeemPromotionCode: can("billing:write")
    .input(redeemCodeInput)
    .mutation(({ ctx, input }) => redeemPromotionCode(ctx, input)),
  cancel: can("billing:write")
    .input(cancelInput)
    .mutation(({ ctx, input }) => cancelSubscription(ctx, input)),
  pause: can("billing:write")
    .input(pauseInput)
    .mutation(({ ctx, input }) => pauseSubscription(ctx, input)),
  resume: can("billing:write").mutation(({ ctx }) => resumeSubscription(ctx)),
  portal: can("billing:write").mutation(({ ctx }) => openPortal(ctx)),
  invoices: can("billing:read")
    .input(invoicesInput)
    .query(({ ctx, input }) => listInvoices(ctx, input)),
  invoice: can("billing:read")
    .input(invoiceInput)
    .query(({ ctx, input }) => invoiceOf(ctx, input)),
  paymentMethods: can("billing:read").query(({ ctx }) => listPaymentMethods(ctx)),
  addPaymentMethod: can("billing:write").mutation(({ ctx }) => addPaymentMethod(ctx)),
  setDefaultPaymentMethod: can("billing:write")
    .input(paymentMethodInput)
    .mutation(({ ctx, input }) => setDefaultPaymentMethod(ctx, input)),
  removePaymentMethod: can("billing:write")
    .input(paymentMethodInput)
    .mutation(({ ctx, input }) => removePaymentMethod(ctx, input)),
  details: can("billing:read").query(({ ctx }) => billingDetails(ctx)),
  updateDetails: can("billing:write")
    .input(updateDetailsInput)
    .mutation(({ ctx, input }) => updateDetails(ctx, input)),
  addTaxId: can("billing:write")
    .input(addTaxIdInput)
    .mutation(({ ctx, input }) => addTaxId(ctx, input)),
  removeTaxId: can("billing:write")
    .input(taxIdInput)
    .mutation(({ ctx, input }) => removeTaxId(ctx, input)),
  refresh: can("billing:write").mutation(({ ctx }) => refreshBilling(ctx)),
  completeReturn: can("billing:write")
    .input(returnInput)
    .mutation(({ ctx, input }) => completeReturn(ctx, input)),
  autoTopUp: can("billing:read").query(({ ctx }) => autoTopUp(ctx)),
  setAutoTopUp: can("billing:write")
    .input(setAutoTopUpInput)
    .mutation(({ ctx, input }) => setAutoTopUp(ctx, input)),
} satisfies TRPCRouterRecord;
