import type { TRPCRouterRecord } from "@trpc/server";
import { ordersInput, refundOrderInput } from "../billing/inputs";
import { listOrders } from "../billing/orders";
import { refundOrder } from "../billing/refund-order";
import { listAwaited } from "../credits/awaited-credits";
import { balance } from "../credits/balance";
import { listCodes } from "../credits/promo-codes";
import { operatorInWorkspace, operatorProcedure } from "../trpc";
import {
  compensateInput,
  correctInput,
  grantInput,
  keepForInput,
  makeCodeInput,
  pageInput,
  stopCodeInput,
  withdrawInput,
} from "./inputs";
import { compensate, correct, grant, keepFor, makeCode, stopCode, withdraw } from "./service";

export const operatorRouter = {
  balance: operatorInWorkspace.query(({ ctx }) => balance(ctx)),
  orders: operatorInWorkspace
    .input(ordersInput.prefault({}))
    .query(({ ctx, input }) => listOrders(ctx, input)),
  grant: operatorInWorkspace.input(grantInput).mutation(({ ctx, input }) => grant(ctx, input)),
  compensate: operatorInWorkspace.input(compensateInput).mutation(({ ctx, input }) => compensate(ctx, input)),
  correct: operatorInWorkspace.input(correctInput).mutation(({ ctx, input }) => correct(ctx, input)),
  refundOrder: operatorInWorkspace
    .input(refundOrderInput)
    .mutation(({ ctx, input }) => refundOrder(ctx, input)),
  codes: operatorProcedure.input(pageInput.prefault({})).query(({ ctx, input }) => listCodes(ctx, input)),
  makeCode: operatorProcedure.input(makeCodeInput).mutation(({ ctx, input }) => makeCode(ctx, input)),
  endCode: operatorProcedure.input(stopCodeInput).mutation(({ ctx, input }) => stopCode(ctx, input)),
  awaited: operatorProcedure.input(pageInput.prefault({})).query(({ ctx, input }) => listAwaited(ctx, input)),
  awaitCredits: operatorProcedure.input(keepForInput).mutation(({ ctx, input }) => keepFor(ctx, input)),
  withdrawAwaited: operatorProcedure.input(withdrawInput).mutation(({ ctx, input }) => withdraw(ctx, input)),
} satisfies TRPCRouterRecord;
