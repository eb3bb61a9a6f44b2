import type { TRPCRouterRecord } from "@trpc/server";
import { billAddOn, voidAddOn } from "../back-office/add-on-invoice";
import { creditInvoice } from "../back-office/credit-invoice";
import { refundOrder } from "../back-office/refund-order";
import { listAwaited } from "../credits/awaited-credits";
import { balance } from "../credits/balance";
import { ledgerPageInput } from "../credits/inputs";
import { ledgerPage } from "../credits/ledger-page";
import { listCodes } from "../credits/promo-codes";
import { invoicesInput } from "../invoices/inputs";
import { listInvoices } from "../invoices/invoices";
import { ordersInput } from "../orders/inputs";
import { listOrders } from "../orders/orders";
import * as planMoveInputs from "../plan-moves/inputs";
import { listPlanMoves, planMoveOf } from "../plan-moves/list-plan-moves";
import { rehearsedTenants, rehearsePlan } from "../plan-moves/rehearse-plan";
import { driftInput } from "../reconcile/inputs";
import { listDrift } from "../reconcile/list-drift";
import { dunningInput } from "../subscriptions/inputs";
import { listDunning } from "../subscriptions/list-dunning";
import { operatorInWorkspace, operatorProcedure } from "../trpc";
import { eventsInput } from "../webhooks/inputs";
import { inboxHealth, listEvents } from "../webhooks/list-events";
import * as inputs from "./inputs";
import * as planMoves from "./plan-moves";
import * as service from "./service";

const inWorkspace = operatorInWorkspace;
const page = operatorProcedure.input(inputs.pageInput.prefault({}));

export const operatorRouter = {
  balance: inWorkspace.query(({ ctx }) => balance(ctx)),
  ledger: inWorkspace.input(ledgerPageInput.prefault({})).query(({ ctx, input }) => ledgerPage(ctx, input)),
  orders: inWorkspace.input(ordersInput.prefault({})).query(({ ctx, input }) => listOrders(ctx, input)),
  invoices: inWorkspace.input(invoicesInput.prefault({})).query(({ ctx, input }) => listInvoices(ctx, input)),

  grant: inWorkspace.input(inputs.grantInput).mutation(({ ctx, input }) => service.grant(ctx, input)),
  compensate: inWorkspace
    .input(inputs.compensateInput)
    .mutation(({ ctx, input }) => service.compensate(ctx, input)),
  correct: inWorkspace.input(inputs.correctInput).mutation(({ ctx, input }) => service.correct(ctx, input)),
  refundOrder: inWorkspace
    .input(inputs.refundOrderInput)
    .mutation(({ ctx, input }) => refundOrder(ctx, input)),
  invoice: inWorkspace.input(inputs.addOnInvoiceInput).mutation(({ ctx, input }) => billAddOn(ctx, input)),
  voidInvoice: inWorkspace.input(inputs.voidInvoiceInput).mutation(({ ctx, input }) => voidAddOn(ctx, input)),
  creditInvoice: inWorkspace
    .input(inputs.creditInvoiceInput)
    .mutation(({ ctx, input }) => creditInvoice(ctx, input)),
  refundUsage: inWorkspace
    .input(inputs.refundUsageInput)
    .mutation(({ ctx, input }) => service.refundUsage(ctx, input)),

  setOverride: inWorkspace
    .input(inputs.setOverrideInput)
    .mutation(({ ctx, input }) => service.setOverride(ctx, input)),
  endOverride: inWorkspace
    .input(inputs.endOverrideInput)
    .mutation(({ ctx, input }) => service.endOverride(ctx, input)),
  suspend: inWorkspace.input(inputs.suspendInput).mutation(({ ctx, input }) => service.suspend(ctx, input)),
  unsuspend: inWorkspace
    .input(inputs.suspendInput)
    .mutation(({ ctx, input }) => service.unsuspend(ctx, input)),
  setTimeZone: inWorkspace
    .input(inputs.setTimeZoneInput)
    .mutation(({ ctx, input }) => service.setTimeZone(ctx, input)),

  codes: page.query(({ ctx, input }) => listCodes(ctx, input)),
  createCode: operatorProcedure
    .input(inputs.createCodeInput)
    .mutation(({ ctx, input }) => service.createCode(ctx, input)),
  endCode: operatorProcedure
    .input(inputs.endCodeInput)
    .mutation(({ ctx, input }) => service.endCode(ctx, input)),

  awaited: page.query(({ ctx, input }) => listAwaited(ctx, input)),
  awaitCredits: operatorProcedure
    .input(inputs.awaitCreditsInput)
    .mutation(({ ctx, input }) => service.awaitCredits(ctx, input)),
  withdrawAwaited: operatorProcedure
    .input(inputs.withdrawAwaitedInput)
    .mutation(({ ctx, input }) => service.withdrawAwaited(ctx, input)),

  rehearsePlan: operatorProcedure
    .input(planMoveInputs.rehearsePlanInput)
    .query(({ ctx, input }) => rehearsePlan(ctx, input)),
  rehearsedTenants: operatorProcedure
    .input(planMoveInputs.rehearsedTenantsInput)
    .query(({ ctx, input }) => rehearsedTenants(ctx, input)),
  movePlan: operatorProcedure
    .input(inputs.movePlanInput)
    .mutation(({ ctx, input }) => planMoves.movePlan(ctx, input)),
  undoMove: operatorProcedure
    .input(inputs.undoMoveInput)
    .mutation(({ ctx, input }) => planMoves.undoMove(ctx, input)),
  planMoves: operatorProcedure
    .input(planMoveInputs.planMovesInput.prefault({}))
    .query(({ ctx, input }) => listPlanMoves(ctx, input)),
  planMove: operatorProcedure
    .input(planMoveInputs.planMoveInput)
    .query(({ ctx, input }) => planMoveOf(ctx, input)),
  keepVersion: inWorkspace
    .input(inputs.keepVersionInput)
    .mutation(({ ctx, input }) => planMoves.keepVersion(ctx, input)),
  unkeepVersion: inWorkspace
    .input(inputs.keepVersionInput)
    .mutation(({ ctx, input }) => planMoves.unkeepVersion(ctx, input)),

  webhooks: operatorProcedure
    .input(eventsInput.prefault({}))
    .query(({ ctx, input }) => listEvents(ctx, input)),
  webhookHealth: operatorProcedure.query(({ ctx }) => inboxHealth(ctx)),
  replayWebhooks: operatorProcedure
    .input(inputs.replayWebhooksInput)
    .mutation(({ ctx, input }) => service.replayWebhooks(ctx, input)),
  drift: operatorProcedure.input(driftInput.prefault({})).query(({ ctx, input }) => listDrift(ctx, input)),
  dunning: operatorProcedure
    .input(dunningInput.prefault({}))
    .query(({ ctx, input }) => listDunning(ctx, input)),
} satisfies TRPCRouterRecord;
