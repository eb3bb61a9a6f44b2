import type { TRPCRouterRecord } from "@trpc/server";
import { tenantProcedure } from "../trpc";
import { balance } from "./balance";
import { balanceInput, ledgerPageInput } from "./inputs";
import { ledgerPage } from "./ledger-page";

export const creditsRouter = {
  balance: tenantProcedure
    .meta({ apiKey: true })
    .input(balanceInput.prefault({}))
    .query(({ ctx, input }) => balance(ctx, input)),
  ledger: tenantProcedure
    .meta({ apiKey: true })
    .input(ledgerPageInput.prefault({}))
    .query(({ ctx, input }) => ledgerPage(ctx, input)),
} satisfies TRPCRouterRecord;
