import type { TRPCRouterRecord } from "@trpc/server";
import { can, tenantProcedure, userProcedure } from "../trpc";
import { createApiKey, listApiKeys, revokeApiKey } from "./api-keys";
import { createApiKeyInput, revokeApiKeyInput } from "./inputs";
import { listTenants, me, workspace } from "./service";

export const accountsRouter = {
  me: userProcedure.query(({ ctx }) => me(ctx)),
  workspaces: userProcedure.query(({ ctx }) => listTenants(ctx)),
  workspace: tenantProcedure.query(({ ctx }) => workspace(ctx)),
  apiKeys: {
    list: can("keys:write").query(({ ctx }) => listApiKeys(ctx)),
    create: can("keys:write")
      .input(createApiKeyInput)
      .mutation(({ ctx, input }) => createApiKey(ctx, input)),
    revoke: can("keys:write")
      .input(revokeApiKeyInput)
      .mutation(({ ctx, input }) => revokeApiKey(ctx, input)),
  },
} satisfies TRPCRouterRecord;
