import { randomBytes } from "node:crypto";
import { and, eq, sql } from "drizzle-orm";
import { newId, provenTenantId, type TenantId } from "@/lib/ids";
import type { Ctx, Role, TenantCtx, TenantRef } from "../context";
import type { Tx } from "../db/client";
import { inTenant, inTransaction, setTenant } from "../db/transaction";
import { AppError } from "../errors";
import { audit } from "../events/service";
import { parseInput } from "../parse";
import { type CreateTenantInput, createTenantInput } from "./inputs";
import { slugFrom } from "./rules";
import { memberDirectory, members, slugDirectory, tenants, users } from "./tables";

type WritingCtx = TenantCtx & { tx: Tx };
const MAX_SLUG_TRIES = 20;

/**
 * Makes a tenant with its owner, and whatever `setUp` adds (the plan of a new tenant), in one transaction.
 * @throws AppError INVALID_INPUT
 */
export async function createTenant(
  ctx: Ctx,
  input: CreateTenantInput,
  setUp: (ctx: WritingCtx) => Promise<void>,
): Promise<TenantRef> {
  const { name, ownerUserId, timeZone } = parseInput(createTenantInput, input);
  return inTransaction(ctx, async (tx) => {
    const now = ctx.now();
    const id = provenTenantId(newId("tenant", now));
    await setTenant(tx, id);
    const slug = await claimSlug(tx, name, id);
    await tx.insert(tenants).values({ tenantId: id, slug, name, timeZone, createdAt: now });
    await tx.insert(members).values({ tenantId: id, userId: ownerUserId, role: "owner", createdAt: now });
    await tx.insert(memberDirectory).values({ userId: ownerUserId, tenant: id });
    const tenant: TenantRef = { id, slug, timeZone, role: "owner" };
    const inner = { ...ctx, tx, tenant };
    await audit(inner, { action: "tenant.created", subject: id });
    await setUp(inner);
    return tenant;
  });
}

/** The directory's primary key settles the race for a slug; the loser tries the next name. */
async function claimSlug(tx: Tx, name: string, tenant: TenantId): Promise<string> {
  const wish = slugFrom(name);
  for (let attempt = 0; attempt < MAX_SLUG_TRIES; attempt += 1) {
    const slug = attempt === 0 ? wish : `${wish}-${randomBytes(3).toString("hex")}`;
    const taken = await tx.insert(slugDirectory).values({ slug, tenant }).onConflictDoNothing().returning();
    if (taken.length === 1) return slug;
  }
  throw new AppError("CONFLICT", "No free address was found for this workspace name. Please choose another.");
}

/**
 * The workspace a request names, if it is the caller's. Unknown and foreign look the same.
 * @throws AppError UNAUTHENTICATED, NOT_FOUND, FORBIDDEN (an API key where only people may go)
 */
export async function openTenant(
  ctx: Ctx,
  input: { slug: string | null; apiKeyAllowed: boolean },
): Promise<TenantRef> {
  const { actor } = ctx;
  if (actor.kind === "apiKey") {
    if (!input.apiKeyAllowed) throw new AppError("FORBIDDEN", "An API key may not do this.");
    const tenant = ctx.tenant ?? null;
    if (!tenant || (input.slug !== null && input.slug !== tenant.slug)) throw noSuchTenant();
    return tenant;
  }
  if (actor.kind !== "user") throw new AppError("UNAUTHENTICATED", "Please sign in.");
  if (!input.slug) throw noSuchTenant();
  const [routed] = await ctx.db.orm.select().from(slugDirectory).where(eq(slugDirectory.slug, input.slug));
  if (!routed) throw noSuchTenant();
  const tenant = await membership(ctx, routed.tenant, actor.userId);
  if (!tenant) throw noSuchTenant();
  return tenant;
}

/** The workspaces of the signed-in person, by name. @throws AppError UNAUTHENTICATED */
export async function listTenants(ctx: Ctx): Promise<(TenantRef & { name: string })[]> {
  const { actor } = ctx;
  if (actor.kind !== "user") throw new AppError("UNAUTHENTICATED", "Please sign in.");
  const routed = await ctx.db.orm
    .select()
    .from(memberDirectory)
    .where(eq(memberDirectory.userId, actor.userId));
  const found = await Promise.all(routed.map((row) => membership(ctx, row.tenant, actor.userId)));
  return found.filter((tenant) => tenant !== null).sort((a, b) => a.name.localeCompare(b.name));
}

/** A tenant for cron and webhooks, who are nobody's members. @throws AppError NOT_FOUND */
export async function tenantById(ctx: Ctx, id: TenantId): Promise<TenantRef> {
  const probe: TenantCtx = { ...ctx, tenant: { id, slug: "", timeZone: "UTC", role: null } };
  const [row] = await inTenant(probe, (tx) => tx.select().from(tenants).where(eq(tenants.tenantId, id)));
  if (!row) throw noSuchTenant();
  return { id, slug: row.slug, timeZone: row.timeZone, role: null };
}

/** The workspace of an address, for operators, who are nobody's members. @throws AppError NOT_FOUND */
export async function tenantNamed(ctx: Ctx, slug: string | null): Promise<TenantRef> {
  const [routed] = slug
    ? await ctx.db.orm.select().from(slugDirectory).where(eq(slugDirectory.slug, slug))
    : [];
  if (!routed) throw noSuchTenant();
  return tenantById(ctx, provenTenantId(routed.tenant));
}

/** The signed-in person. @throws AppError UNAUTHENTICATED, also for one who was deleted meanwhile */
export async function me(
  ctx: Ctx,
): Promise<{ id: string; email: string; name: string | null; image: string | null }> {
  const { actor } = ctx;
  if (actor.kind !== "user") throw new AppError("UNAUTHENTICATED", "Please sign in.");
  const [row] = await ctx.db.orm.select().from(users).where(eq(users.id, actor.userId));
  if (!row) throw new AppError("UNAUTHENTICATED", "Please sign in.");
  const { id, email, name, image } = row;
  return { id, email, name, image };
}

/** The name a tenant shows. */
export async function workspace(
  ctx: TenantCtx,
): Promise<{ id: string; slug: string; name: string; timeZone: string; role: Role | null }> {
  const [row] = await inTenant(ctx, (tx) =>
    tx.select().from(tenants).where(eq(tenants.tenantId, ctx.tenant.id)),
  );
  if (!row) throw noSuchTenant();
  return { id: row.tenantId, slug: row.slug, name: row.name, timeZone: row.timeZone, role: ctx.tenant.role };
}

async function membership(
  ctx: Ctx,
  tenantId: string,
  userId: string,
): Promise<(TenantRef & { name: string }) | null> {
  const id = provenTenantId(tenantId);
  const probe: TenantCtx = { ...ctx, tenant: { id, slug: "", timeZone: "UTC", role: null } };
  const [row] = await inTenant(probe, (tx) =>
    tx
      .select({ slug: tenants.slug, name: tenants.name, timeZone: tenants.timeZone, role: members.role })
      .from(members)
      .innerJoin(tenants, eq(tenants.tenantId, members.tenantId))
      .where(and(eq(members.tenantId, tenantId), eq(members.userId, userId))),
  );
  return row ? { id, ...row } : null;
}

/** Serialises what must happen once per person, such as making the first workspace: two tabs, one tenant. */
export async function ensureTenant(
  ctx: Ctx,
  owner: { userId: string; name: string },
  setUp: (ctx: WritingCtx) => Promise<void>,
): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    await tx.execute(
      sql`select pg_advisory_xact_lock(hashtextextended(${`first-tenant:${owner.userId}`}, 0))`,
    );
    const known = await tx
      .select()
      .from(memberDirectory)
      .where(eq(memberDirectory.userId, owner.userId))
      .limit(1);
    if (known.length > 0) return;
    await createTenant({ ...ctx, tx }, { name: owner.name, ownerUserId: owner.userId }, setUp);
  });
}

function noSuchTenant(): AppError {
  return new AppError("NOT_FOUND", "There is no such workspace.");
}
