import type { TRPCRouterRecord } from "@trpc/server";
import { can, tenantProcedure } from "../trpc";
import { balance } from "./balance";
import { history } from "./history";
import { balanceInput, historyInput, ledgerPageInput, redeemInput, statementInput } from "./inputs";
import { ledgerPage } from "./ledger-page";
import { lifetime } from "./lifetime";
import { redeemCode } from "./redeem-code";
import { statement } from "./statement";

const readable = tenantProcedure.meta({ apiKey: true });

export const creditsRouter = {
  balance: readable.input(balanceInput.prefault({})).query(({ ctx, input }) => balance(ctx, input)),
  history: readable.input(historyInput.prefault({})).query(({ ctx, input }) => history(ctx, input)),
  statement: readable.input(statementInput.prefault({})).query(({ ctx, input }) => statement(ctx, input)),
  lifetime: readable.input(balanceInput.prefault({})).query(({ ctx, input }) => lifetime(ctx, input)),
  ledger: readable.input(ledgerPageInput.prefault({})).query(({ ctx, input }) => ledgerPage(ctx, input)),
  redeem: can("billing:write")
    .input(redeemInput)
    .mutation(({ ctx, input }) => redeemCode(ctx, input)),
} satisfies TRPCRouterRecord;
