import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { and, desc, eq, isNull } from "drizzle-orm";
import { newId, provenTenantId } from "@/lib/ids";
import { actorName, type Ctx, type TenantCtx, type TenantRef } from "../context";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { audit } from "../events/service";
import { parseInput } from "../parse";
import {
  type CreateApiKeyInput,
  createApiKeyInput,
  type RevokeApiKeyInput,
  revokeApiKeyInput,
} from "./inputs";
import { apiKeys, tenants } from "./tables";

export interface ApiKey {
  id: string;
  name: string;
  hint: string;
  createdAt: Date;
  lastUsedAt: Date | null;
  revokedAt: Date | null;
}

/** `tgk_<tenant>_<secret>`: the key names its tenant, so checking it never looks across tenants. */
const KEY = /^tgk_([0-9a-z]{26})_([A-Za-z0-9_-]{43})$/;
/** `lastUsedAt` is for people; writing it more often would make every call an update. */
const LAST_USED_STEP_MS = 60_000;

/** Makes a key. The secret is in the answer and nowhere else: only its hash is kept. */
export async function createApiKey(
  ctx: TenantCtx,
  input: CreateApiKeyInput,
): Promise<{ key: string; apiKey: ApiKey }> {
  const { name } = parseInput(createApiKeyInput, input);
  const now = ctx.now();
  const secret = randomBytes(32).toString("base64url");
  const id = newId("apiKey", now);
  const row = {
    tenantId: ctx.tenant.id,
    id,
    name,
    secretHash: hash(secret),
    hint: secret.slice(-4),
    createdBy: actorName(ctx.actor),
    createdAt: now,
  };
  await inTenant(ctx, async (tx, inner) => {
    await tx.insert(apiKeys).values(row);
    await audit(inner, { action: "api_key.created", subject: id });
  });
  const key = `tgk_${ctx.tenant.id.slice("ten_".length)}_${secret}`;
  return { key, apiKey: { id, name, hint: row.hint, createdAt: now, lastUsedAt: null, revokedAt: null } };
}

export async function listApiKeys(ctx: TenantCtx): Promise<ApiKey[]> {
  const rows = await inTenant(ctx, (tx) =>
    tx.select().from(apiKeys).where(eq(apiKeys.tenantId, ctx.tenant.id)).orderBy(desc(apiKeys.id)),
  );
  return rows.map(({ id, name, hint, createdAt, lastUsedAt, revokedAt }) => ({
    id,
    name,
    hint,
    createdAt,
    lastUsedAt,
    revokedAt,
  }));
}

/** Ends a key at once; ending it twice changes nothing. @throws AppError NOT_FOUND */
export async function revokeApiKey(ctx: TenantCtx, input: RevokeApiKeyInput): Promise<{ id: string }> {
  const { id } = parseInput(revokeApiKeyInput, input);
  return inTenant(ctx, async (tx, inner) => {
    const ofKey = and(eq(apiKeys.tenantId, ctx.tenant.id), eq(apiKeys.id, id));
    // Of two revocations at the same moment one changes the row, and only that one is written down.
    const [revoked] = await tx
      .update(apiKeys)
      .set({ revokedAt: ctx.now() })
      .where(and(ofKey, isNull(apiKeys.revokedAt)))
      .returning({ id: apiKeys.id });
    if (!revoked) {
      const [known] = await tx.select({ id: apiKeys.id }).from(apiKeys).where(ofKey);
      if (!known) throw new AppError("NOT_FOUND", "There is no such API key.");
      return { id };
    }
    await audit(inner, { action: "api_key.revoked", subject: id });
    return { id };
  });
}

/** Whose key this is; null for anything that is not a live key. */
export async function verifyApiKey(
  ctx: Ctx,
  presented: string,
): Promise<{ apiKeyId: string; tenant: TenantRef } | null> {
  const parts = KEY.exec(presented);
  if (!parts) return null;
  const id = provenTenantId(`ten_${parts[1]}`);
  const wanted = hash(parts[2]!);
  const probe: TenantCtx = { ...ctx, tenant: { id, slug: "", timeZone: "UTC", role: null } };
  const [row] = await inTenant(probe, (tx) =>
    tx
      .select({ key: apiKeys, slug: tenants.slug, timeZone: tenants.timeZone })
      .from(apiKeys)
      .innerJoin(tenants, eq(tenants.tenantId, apiKeys.tenantId))
      .where(and(eq(apiKeys.tenantId, id), eq(apiKeys.secretHash, wanted), isNull(apiKeys.revokedAt))),
  );
  if (!row || !timingSafeEqual(Buffer.from(row.key.secretHash), Buffer.from(wanted))) return null;
  await touch(probe, row.key);
  return { apiKeyId: row.key.id, tenant: { id, slug: row.slug, timeZone: row.timeZone, role: null } };
}

async function touch(ctx: TenantCtx, key: { id: string; lastUsedAt: Date | null }): Promise<void> {
  const now = ctx.now();
  if (key.lastUsedAt && now.getTime() - key.lastUsedAt.getTime() < LAST_USED_STEP_MS) return;
  await inTenant(ctx, (tx) =>
    tx
      .update(apiKeys)
      .set({ lastUsedAt: now })
      .where(and(eq(apiKeys.tenantId, ctx.tenant.id), eq(apiKeys.id, key.id))),
  );
}

const hash = (secret: string) => createHash("sha256").update(secret).digest("hex");
