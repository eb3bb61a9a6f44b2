import type { TRPCRouterRecord } from "@trpc/server";
import { tenantProcedure } from "../trpc";
import { balanceInput, historyInput } from "./inputs";
import { balance, history } from "./service";

export const creditsRouter = {
  balance: tenantProcedure
    .meta({ apiKey: true })
    .input(balanceInput.prefault({}))
    .query(({ ctx, input }) => balance(ctx, input)),
  history: tenantProcedure
    .meta({ apiKey: true })
    .input(historyInput.prefault({}))
    .query(({ ctx, input }) => history(ctx, input)),
} satisfies TRPCRouterRecord;
