import type { TRPCRouterRecord } from "@trpc/server";
import { can, publicProcedure, tenantProcedure } from "../trpc";
import { autoTopUp, setAutoTopUp } from "./auto-top-up";
import { startCheckout } from "./checkout";
import { checkoutInput, orderInput, ordersInput, returnInput, setAutoTopUpInput } from "./inputs";
import { listOffers } from "./offers";
import { listOrders, orderOf } from "./orders";
import { openPortal } from "./portal";
import { completeReturn, refreshBilling } from "./return";
import { subscriptionOf } from "./subscription";

export const billingRouter = {
  plans: publicProcedure.query(({ ctx }) => listOffers(ctx)),
  subscription: tenantProcedure.query(({ ctx }) => subscriptionOf(ctx)),
  checkout: can("billing:write")
    .input(checkoutInput)
    .mutation(({ ctx, input }) => startCheckout(ctx, input)),
  orders: can("billing:read")
    .input(ordersInput)
    .query(({ ctx, input }) => listOrders(ctx, input)),
  order: can("billing:read")
    .input(orderInput)
    .query(({ ctx, input }) => orderOf(ctx, input)),
  portal: can("billing:write").mutation(({ ctx }) => openPortal(ctx)),
  refresh: can("billing:write").mutation(({ ctx }) => refreshBilling(ctx)),
  completeReturn: can("billing:write")
    .input(returnInput)
    .mutation(({ ctx, input }) => completeReturn(ctx, input)),
  autoTopUp: can("billing:read").query(({ ctx }) => autoTopUp(ctx)),
  setAutoTopUp: can("billing:write")
    .input(setAutoTopUpInput)
    .mutation(({ ctx, input }) => setAutoTopUp(ctx, input)),
} satisfies TRPCRouterRecord;
