import type { TRPCRouterRecord } from "@trpc/server";
import { can, tenantProcedure } from "../trpc";
import { createChannelInput, removeChannelInput, startRunInput } from "./inputs";
import { createChannel, listChannels, listRuns, removeChannel, startRun } from "./service";

const productProcedure = can("product:use");

export const runsRouter = {
  list: tenantProcedure.query(({ ctx }) => listRuns(ctx)),
  start: productProcedure
    .meta({
      quota: {
        feature: "compute",
        units: (input) => (input as { computeUnits: number }).computeUnits,
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
  remove: productProcedure.input(removeChannelInput).mutation(({ ctx, input }) => removeChannel(ctx, input)),
} satisfies TRPCRouterRecord;
