import type { TRPCRouterRecord } from "@trpc/server";
import { publicProcedure } from "../trpc";
import { spendTrialInput, startTrialInput } from "./inputs";
import { startTrial, trialStanding } from "./service";
import { spendTrial } from "./spend-trial";
import { visitorOf } from "./visitor";

export const trialsRouter = {
  standing: publicProcedure.query(({ ctx }) => trialStanding(ctx, visitorOf(ctx, ctx.request.headers))),
  start: publicProcedure.input(startTrialInput).mutation(async ({ ctx }) => {
    const { standing, cookie } = await startTrial(ctx, visitorOf(ctx, ctx.request.headers));
    if (cookie) ctx.request.resHeaders.append("set-cookie", cookie);
    return standing;
  }),
  /** The demo's work: it costs what you say and does nothing. Yours does something, after the same call. */
  run: publicProcedure
    .input(spendTrialInput)
    .mutation(({ ctx, input }) =>
      spendTrial(ctx, { visitor: visitorOf(ctx, ctx.request.headers), ...input }),
    ),
} satisfies TRPCRouterRecord;
