import type { TRPCRouterRecord } from "@trpc/server";
import { tenantProcedure } from "../trpc";
import { check } from "./check";
import { consume } from "./consume";
import { checkInput, consumeInput, usageInput } from "./inputs";
import { denial, setHeaders } from "./procedure";
import { status, usageByDay } from "./status";

const productProcedure = tenantProcedure.meta({ apiKey: true });

export const quotaRouter = {
  check: productProcedure.input(checkInput).query(({ ctx, input }) => check(ctx, input)),
  /** 402 with the typed cause when there is not enough; the RateLimit headers say what is left either way. */
  consume: productProcedure.input(consumeInput).mutation(async ({ ctx, input }) => {
    const receipt = await consume(ctx, input);
    setHeaders(ctx, receipt);
    if (!receipt.allowed) throw denial(receipt);
    return receipt;
  }),
  status: productProcedure.query(({ ctx }) => status(ctx)),
  history: productProcedure.input(usageInput).query(({ ctx, input }) => usageByDay(ctx, input)),
} satisfies TRPCRouterRecord;
