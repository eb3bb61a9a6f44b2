import { and, eq, isNull } from "drizzle-orm";
import { provenTenantId } from "@/lib/ids";
import { tenantById, workspace } from "../accounts/service";
import { users } from "../accounts/tables";
import type { Ctx, TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { asProviderError, isKeySpent, isMissingAtStripe } from "./stripe-client";
import { customerDirectory, customers } from "./tables";
import { tryTurn, untilAnswered } from "./turn";

const MAX_KEYS = 5;

/**
 * The tenant's Stripe customer, made at the first call. However many ask at once, and wherever a process dies,
 * there is one: the turn keeps rivals apart, and Stripe's idempotency key brings back what a crash forgot.
 * @throws AppError PAYMENT_PROVIDER, BUSY
 */
export async function ensureCustomer(ctx: TenantCtx): Promise<string> {
  const known = await knownCustomer(ctx);
  if (known) return known;
  await inTenant(ctx, (tx) =>
    tx
      .insert(customers)
      .values({ tenantId: ctx.tenant.id, createdAt: ctx.now() })
      .onConflictDoNothing({ target: customers.tenantId }),
  );
  return untilAnswered(
    async () => (await knownCustomer(ctx)) ?? (await tryTurn(ctx, () => createCustomer(ctx))),
  );
}

/** The tenant's Stripe customer, or null when it has none yet. */
export async function knownCustomer(ctx: TenantCtx): Promise<string | null> {
  const [row] = await inTenant(ctx, (tx) =>
    tx
      .select({ customerId: customers.customerId })
      .from(customers)
      .where(eq(customers.tenantId, ctx.tenant.id)),
  );
  return row?.customerId ?? null;
}

/** Acts for the tenant that a Stripe customer belongs to; null when it is nobody's. The directory alone decides. */
export async function tenantOfCustomer(ctx: Ctx, customerId: string): Promise<TenantCtx | null> {
  const [row] = await ctx.db.orm
    .select()
    .from(customerDirectory)
    .where(eq(customerDirectory.customerId, customerId));
  if (!row) return null;
  try {
    return { ...ctx, tenant: await tenantById(ctx, provenTenantId(row.tenant)) };
  } catch (error) {
    if (error instanceof AppError && error.code === "NOT_FOUND") return null;
    throw error;
  }
}

/** Lets go of a customer that no longer exists at Stripe, so that the next checkout makes a new one. */
export async function retireCustomer(ctx: TenantCtx, customerId: string): Promise<void> {
  if (!(await isGone(ctx, customerId))) return;
  await inTenant(ctx, (tx) =>
    tx
      .update(customers)
      .set({ customerId: null })
      .where(and(eq(customers.tenantId, ctx.tenant.id), eq(customers.customerId, customerId))),
  );
}

async function isGone(ctx: Ctx, customerId: string): Promise<boolean> {
  try {
    return (await ctx.stripe.customers.retrieve(customerId)).deleted === true;
  } catch (error) {
    if (isMissingAtStripe(error)) return true;
    throw asProviderError(error);
  }
}

/** Only the tenant's id goes with the keyed call: a key answers the same words only, and names change. */
async function createCustomer(ctx: TenantCtx): Promise<string> {
  const known = await knownCustomer(ctx);
  if (known) return known;
  const customerId = await askForCustomer(ctx);
  await inTenant(ctx, async (tx) => {
    const written = await tx
      .update(customers)
      .set({ customerId })
      .where(and(eq(customers.tenantId, ctx.tenant.id), isNull(customers.customerId)))
      .returning();
    if (written.length > 0) await tx.insert(customerDirectory).values({ customerId, tenant: ctx.tenant.id });
  });
  await describe(ctx, customerId);
  return (await knownCustomer(ctx)) ?? customerId;
}

/** The key of a customer that was deleted, or of a call that failed inside Stripe, is used up: on to the next. */
async function askForCustomer(ctx: TenantCtx): Promise<string> {
  let failure: unknown = new AppError("PAYMENT_PROVIDER", "The payment provider made no customer.");
  for (let attempt = 1; attempt <= MAX_KEYS; attempt += 1) {
    const idempotencyKey = `customer:${ctx.tenant.id}${attempt === 1 ? "" : `:${attempt}`}`;
    try {
      const metadata = { tenantId: ctx.tenant.id };
      const { id } = await ctx.stripe.customers.create({ metadata }, { idempotencyKey });
      const [retired] = await ctx.db.orm
        .select()
        .from(customerDirectory)
        .where(eq(customerDirectory.customerId, id));
      if (!retired) return id;
    } catch (error) {
      failure = asProviderError(error);
      if (!isKeySpent(error)) break;
    }
  }
  throw failure;
}

/** Names for people who look at Stripe's dashboard. Nothing depends on them, so a failure is only logged. */
async function describe(ctx: TenantCtx, customerId: string): Promise<void> {
  try {
    const { name } = await workspace(ctx);
    await ctx.stripe.customers.update(customerId, { name, ...(await emailOf(ctx)) });
  } catch (error) {
    console.warn(
      `Stripe customer ${customerId} has no name yet: ${error instanceof Error ? error.name : "?"}`,
    );
  }
}

async function emailOf(ctx: Ctx): Promise<{ email?: string }> {
  if (ctx.actor.kind !== "user") return {};
  const [user] = await ctx.db.orm
    .select({ email: users.email })
    .from(users)
    .where(eq(users.id, ctx.actor.userId));
  return user ?? {};
}
