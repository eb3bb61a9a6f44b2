import type { TRPCRouterRecord } from "@trpc/server";
import { can } from "../trpc";
import { listNotificationsInput, markReadInput, setPreferenceInput } from "./inputs";
import { preferences, setPreference } from "./preferences";
import { listNotifications, markRead } from "./service";

/** Whose business money is, and nobody else: notifications tell of it. */
export const notificationsRouter = {
  list: can("billing:read")
    .input(listNotificationsInput)
    .query(({ ctx, input }) => listNotifications(ctx, input)),
  markRead: can("billing:read")
    .input(markReadInput)
    .mutation(({ ctx, input }) => markRead(ctx, input)),
  preferences: can("billing:read").query(({ ctx }) => preferences(ctx)),
  setPreference: can("billing:read")
    .input(setPreferenceInput)
    .mutation(({ ctx, input }) => setPreference(ctx, input)),
} satisfies TRPCRouterRecord;
