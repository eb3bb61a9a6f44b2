import { z } from "zod";
import { isTimeZone } from "@/lib/time";

export const createTenantInput = z.strictObject({
  name: z.string().trim().min(1).max(80),
  ownerUserId: z.string().min(1).max(60),
  timeZone: z.string().max(60).refine(isTimeZone, "An IANA time zone, such as Europe/Berlin.").default("UTC"),
});
export type CreateTenantInput = z.input<typeof createTenantInput>;

export const createApiKeyInput = z.strictObject({ name: z.string().trim().min(1).max(80) });
export type CreateApiKeyInput = z.input<typeof createApiKeyInput>;

export const revokeApiKeyInput = z.strictObject({ id: z.string().min(1).max(60) });
export type RevokeApiKeyInput = z.input<typeof revokeApiKeyInput>;
