import { createHmac } from "node:crypto";
import { and, eq, inArray, isNull, ne } from "drizzle-orm";
import type Stripe from "stripe";
import type { PlanTrial } from "@/lib/price-list";
import { members, users } from "../accounts/tables";
import type { TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { inTenant } from "../db/transaction";
import { audit } from "../events/service";
import { idOf, instantOf } from "../stripe/rules";
import { isMissingAtStripe } from "../stripe/stripe-client";
import { neverBegan } from "./prepaid-time-rules";
import { localSubscriptions } from "./subscription";
import { subscriptionTrials, trialSubjectDirectory } from "./tables";
import { mailboxOf } from "./trial-rules";

/** Trials that a checkout offered carry this; those that people at Stripe give, or that bridge paid days, don't count. */
const MARK = { trial: "checkout" } as const;

/** A subscription in its trial, and what its card is known by. */
export interface BegunTrial {
  subscriptionId: string;
  endsAt: Date;
  /** null without a card, or for one that has none. */
  fingerprint: string | null;
}

/** Whether the workspace may still try a plan: it never subscribed, and none of its owners tried one elsewhere. */
export async function mayTry(ctx: TenantCtx): Promise<boolean> {
  const subscribed = (await localSubscriptions(ctx)).filter((row) => !neverBegan(row));
  if (subscribed.length > 0) return false;
  return (await takenByOthers(ctx, await mailboxSubjects(ctx))).length === 0;
}

/** What a hosted page is asked for a trial. Without a card it ends by itself when none was added. */
export function trialParams({ days, card }: PlanTrial): Partial<Stripe.Checkout.SessionCreateParams> {
  return {
    payment_method_collection: card ? "always" : "if_required",
    subscription_data: {
      metadata: { ...MARK },
      trial_period_days: days,
      trial_settings: { end_behavior: { missing_payment_method: "cancel" } },
    },
  };
}

/** Trials that have begun and that nobody has written down yet, with their cards' fingerprints. */
export async function begunTrials(
  ctx: TenantCtx,
  subscriptions: readonly Stripe.Subscription[],
): Promise<BegunTrial[]> {
  const trialing = subscriptions.filter(
    ({ status, trial_end, metadata }) =>
      status === "trialing" && trial_end !== null && metadata.trial === MARK.trial,
  );
  if (trialing.length === 0) return [];
  const known = new Set((await trialRows(ctx)).map(({ subscriptionId }) => subscriptionId));
  const begun = trialing.filter(({ id }) => !known.has(id));
  return Promise.all(
    begun.map(async (subscription) => ({
      subscriptionId: subscription.id,
      endsAt: instantOf(subscription.trial_end!),
      fingerprint: await fingerprintOf(ctx, subscription),
    })),
  );
}

async function fingerprintOf(ctx: TenantCtx, subscription: Stripe.Subscription): Promise<string | null> {
  const method = idOf(subscription.default_payment_method);
  if (method) return (await ctx.stripe.paymentMethods.retrieve(method)).card?.fingerprint ?? null;
  const expand = ["invoice_settings.default_payment_method"];
  const customer = await ctx.stripe.customers.retrieve(idOf(subscription.customer)!, { expand });
  const usual = customer.deleted ? null : customer.invoice_settings.default_payment_method;
  return typeof usual === "string" ? null : (usual?.card?.fingerprint ?? null);
}

/**
 * Writes a begun trial down for its owners' mailboxes and its card, in the caller's transaction. Of two workspaces that
 * begin with the same at once, the second is refused.
 */
export async function claimTrial(ctx: TenantCtx & { tx: Tx }, trial: BegunTrial): Promise<void> {
  const card = trial.fingerprint ? [subjectOf(ctx, `card:${trial.fingerprint}`)] : [];
  const subjects = [...(await mailboxSubjects(ctx)), ...card].sort();
  const tenant = ctx.tenant.id;
  const values = subjects.map((subject) => ({ subject, tenant }));
  if (values.length > 0)
    await ctx.tx
      .insert(trialSubjectDirectory)
      .values(values)
      .onConflictDoNothing({ target: trialSubjectDirectory.subject });
  const isSecond = (await trialRows(ctx)).some(({ refusedAt }) => refusedAt === null);
  const isTaken = (await takenByOthers(ctx, subjects)).length > 0;
  const refusedAt = isSecond || isTaken ? ctx.now() : null;
  const { subscriptionId, endsAt } = trial;
  await ctx.tx
    .insert(subscriptionTrials)
    .values({ tenantId: ctx.tenant.id, subscriptionId, endsAt, refusedAt, createdAt: ctx.now() })
    .onConflictDoNothing();
  const action = refusedAt ? "subscription.trial_refused" : "subscription.trial_begun";
  await audit(ctx, { action, subject: subscriptionId, details: { endsAt: endsAt.toISOString() } });
}

/**
 * Ends subscriptions whose trial was refused, before anything is charged: nobody pays for a plan that they meant to try.
 * @returns whether there was one
 */
export async function endRefusedTrials(ctx: TenantCtx): Promise<boolean> {
  const refused = (await trialRows(ctx)).filter((row) => row.refusedAt !== null && row.endedAt === null);
  for (const { subscriptionId } of refused) {
    try {
      await ctx.stripe.subscriptions.cancel(subscriptionId);
    } catch (error) {
      if (!isMissingAtStripe(error)) throw error;
    }
    await inTenant(ctx, (tx) =>
      tx
        .update(subscriptionTrials)
        .set({ endedAt: ctx.now() })
        .where(
          and(
            eq(subscriptionTrials.tenantId, ctx.tenant.id),
            eq(subscriptionTrials.subscriptionId, subscriptionId),
            isNull(subscriptionTrials.endedAt),
          ),
        ),
    );
  }
  return refused.length > 0;
}

function trialRows(ctx: TenantCtx): Promise<(typeof subscriptionTrials.$inferSelect)[]> {
  return inTenant(ctx, (tx) =>
    tx.select().from(subscriptionTrials).where(eq(subscriptionTrials.tenantId, ctx.tenant.id)),
  );
}

async function mailboxSubjects(ctx: TenantCtx): Promise<string[]> {
  const rows = await inTenant(ctx, (tx) =>
    tx
      .select({ email: users.email })
      .from(members)
      .innerJoin(users, eq(users.id, members.userId))
      .where(and(eq(members.tenantId, ctx.tenant.id), eq(members.role, "owner"))),
  );
  return [...new Set(rows.map(({ email }) => subjectOf(ctx, `mailbox:${mailboxOf(email)}`)))];
}

/** A keyed hash: the list of who has tried says nothing to whoever reads it. */
function subjectOf(ctx: TenantCtx, name: string): string {
  return createHmac("sha256", ctx.keyFor("trial-subjects")).update(name).digest("base64url");
}

async function takenByOthers(ctx: TenantCtx, subjects: readonly string[]): Promise<string[]> {
  if (subjects.length === 0) return [];
  const rows = await (ctx.tx ?? ctx.db.orm)
    .select({ subject: trialSubjectDirectory.subject })
    .from(trialSubjectDirectory)
    .where(
      and(
        inArray(trialSubjectDirectory.subject, [...subjects]),
        ne(trialSubjectDirectory.tenant, ctx.tenant.id),
      ),
    );
  return rows.map(({ subject }) => subject);
}
