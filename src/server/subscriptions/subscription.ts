import { eq } from "drizzle-orm";
import type { Money } from "@/lib/money";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { currentPlan, planVersion } from "../plans/service";
import { knownCustomer } from "../stripe/customer";
import type { Interval } from "../stripe/rules";
import type { Discount } from "./discount-rules";
import { isPaidFor, pausedSubscription } from "./pause-rules";
import { comesByMove } from "./plan-move-parts";
import { waits } from "./prepaid-time-rules";
import { decidingSubscription } from "./rules";
import { subscriptions } from "./tables";

export type SubscriptionRow = typeof subscriptions.$inferSelect;

export interface SubscriptionView {
  /** The plan in force, whatever put the tenant on it. */
  plan: { id: string; name: string; tagline: string; version: string };
  source: "default" | "subscription" | "prepaid" | "operator";
  /** When prepaid time is over; null: it lasts. */
  endsAt: Date | null;
  /** null without a live subscription. */
  subscription: {
    /** The plan it brings; null for one of nobody's price list. */
    plan: { id: string; name: string; version: string } | null;
    /** Stripe's word: `active`, `trialing`, `past_due` or `paused`. */
    status: string;
    interval: Interval;
    /** For one interval, of all seats. */
    price: Money;
    /** What is paid for, and the price of each; null for a flat price. */
    seats: { feature: string; name: string; unit: string; quantity: number; each: Money } | null;
    currentPeriodStartsAt: Date;
    currentPeriodEndsAt: Date;
    /** When it will end, if that is decided; null while it renews. */
    cancelAt: Date | null;
    trialEndsAt: Date | null;
    /** When it will begin, after days that were paid ahead; null: it has. */
    beginsAt: Date | null;
    /** How many days it may rest at most; null: it can't be paused. */
    pauseDays: number | null;
    /** Of a paused one: until when its plan is paid for, and when the pause ends by itself. */
    pause: { since: Date | null; paidUntil: Date | null; isPaidFor: boolean; resumesAt: Date | null } | null;
    /** What is taken off each invoice, or off the next one only (`once`). */
    discounts: {
      name: string;
      code: string | null;
      /** Hundredths of a per cent, or else `off`. */
      percentHundredths: number | null;
      off: Money | null;
      once: boolean;
      endsAt: Date | null;
    }[];
    /** Another plan or interval to come, by its people's own choice. */
    change: {
      /** `payment_needed`: it takes effect once `payUrl` was paid, and is off after `at`. */
      kind: "scheduled" | "payment_needed";
      plan: { id: string; name: string; version: string } | null;
      interval: Interval;
      at: Date;
    } | null;
    /** The page of its latest invoice, while that is open. */
    payUrl: string | null;
  } | null;
  /** Whether there is a portal to open: somebody went to a checkout once. */
  hasPortal: boolean;
}

/** The tenant's plan and subscription as of the last sync. Reads our own tables only. */
export async function subscriptionOf(ctx: TenantCtx): Promise<SubscriptionView> {
  const { version, source, endsAt } = await currentPlan(ctx);
  const customerId = await knownCustomer(ctx);
  const rows = await localSubscriptions(ctx);
  const deciding = decidingSubscription(rows) ?? pausedSubscription(rows);
  const { id, name, tagline } = version.definition.plan;
  return {
    plan: { id, name, tagline, version: version.id },
    source,
    endsAt,
    subscription: deciding && (await viewOf(ctx, deciding)),
    hasPortal: customerId !== null,
  };
}

/** Our copies of the tenant's subscriptions, ended ones too. */
export async function localSubscriptions(ctx: TenantCtx): Promise<SubscriptionRow[]> {
  return inTenant(ctx, (tx) =>
    tx.select().from(subscriptions).where(eq(subscriptions.tenantId, ctx.tenant.id)),
  );
}

type View = NonNullable<SubscriptionView["subscription"]>;

async function viewOf(ctx: TenantCtx, row: SubscriptionRow): Promise<View> {
  return {
    plan: await planOf(ctx, row.planVersion),
    status: row.status,
    interval: row.interval,
    price: { amountMinor: row.amountMinor * BigInt(row.quantity), currency: row.currency },
    seats: await seatsView(ctx, row),
    currentPeriodStartsAt: row.currentPeriodStartsAt,
    currentPeriodEndsAt: row.currentPeriodEndsAt,
    cancelAt: row.cancelAt,
    trialEndsAt: row.trialEndsAt,
    beginsAt: waits(row, ctx.now()) ? row.beginsAt : null,
    pauseDays: await pauseDays(ctx, row),
    pause: pauseView(ctx, row),
    discounts: row.discounts.map(discountView),
    change: await changeOf(ctx, row),
    payUrl: row.payUrl,
  };
}

async function seatsView(ctx: TenantCtx, row: SubscriptionRow): Promise<View["seats"]> {
  const { seatFeature: feature, planVersion: id, quantity, amountMinor, currency } = row;
  if (!feature || !id) return null;
  const level = (await planVersion(ctx, id)).definition.features[feature];
  const each = { amountMinor, currency };
  return { feature, name: level?.name ?? feature, unit: level?.unit ?? "seat", quantity, each };
}

function discountView({ name, code, percentHundredths, offMinor, currency, once, endsAt }: Discount) {
  const off = offMinor !== null && currency ? { amountMinor: BigInt(offMinor), currency } : null;
  return { name, code, percentHundredths, off, once, endsAt: endsAt ? new Date(endsAt) : null };
}

async function pauseDays(ctx: TenantCtx, { planVersion: id }: SubscriptionRow): Promise<number | null> {
  if (!id) return null;
  return (await planVersion(ctx, id)).definition.plan.pause?.maxDays ?? null;
}

function pauseView(ctx: TenantCtx, row: SubscriptionRow): View["pause"] {
  const { status, pausedAt: since, paidUntil, resumesAt } = row;
  return status === "paused" ? { since, paidUntil, isPaidFor: isPaidFor(row, ctx.now()), resumesAt } : null;
}

async function changeOf(ctx: TenantCtx, row: SubscriptionRow): Promise<View["change"]> {
  const { changeKind: kind, changePlanVersion, changeInterval: interval, changeAt: at } = row;
  if (!kind || !interval || !at || (await comesByMove(ctx, row))) return null;
  return { kind, plan: await planOf(ctx, changePlanVersion), interval, at };
}

async function planOf(ctx: TenantCtx, id: string | null): Promise<View["plan"]> {
  const version = id ? await planVersion(ctx, id) : null;
  return version && { id: version.planId, name: version.definition.plan.name, version: version.id };
}
