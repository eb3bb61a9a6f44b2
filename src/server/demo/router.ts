import type { TRPCRouterRecord } from "@trpc/server";
import { tellStanding } from "../guard/standing";
import { can, tenantProcedure } from "../trpc";
import { createChannelInput, removeChannelInput, type StartRunInput, startRunInput } from "./inputs";
import { createChannel, listChannels, listRuns, removeChannel, startRun } from "./service";

const productProcedure = can("product:use");

export const runsRouter = {
  list: tenantProcedure.query(({ ctx }) => listRuns(ctx)),
  start: productProcedure
    .meta({
      quota: {
        feature: "compute",
        units: ({ computeUnits }: StartRunInput) => computeUnits,
        mode: "consume",
      },
    })
    .input(startRunInput)
    .mutation(({ ctx, input }) => startRun(ctx, input)),
} satisfies TRPCRouterRecord;

export const channelsRouter = {
  list: tenantProcedure.query(({ ctx }) => listChannels(ctx)),
  create: productProcedure
    .meta({ quota: { feature: "channels", units: 1, mode: "consume" } })
    .input(createChannelInput)
    .mutation(({ ctx, input }) => createChannel(ctx, input)),
  remove: productProcedure.input(removeChannelInput).mutation(async ({ ctx, input }) => {
    const removed = await removeChannel(ctx, input);
    tellStanding(ctx, { ...removed.places, feature: "channels", resetsAt: null });
    return removed;
  }),
} satisfies TRPCRouterRecord;
