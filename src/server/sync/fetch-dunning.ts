import type Stripe from "stripe";
import type { Ctx, TenantCtx } from "../context";
import { isMissingAtStripe } from "../stripe/stripe-client";
import { openDunnings } from "../subscriptions/dunning";
import { isBehind, type Overdue, overdueOf } from "../subscriptions/dunning-rules";

const MAX_INVOICES = 100;

/** Stripe's word for an invoice, or that it knows none of that id. */
export type InvoiceFate = NonNullable<Stripe.Invoice["status"]> | "missing";

/** What Stripe says about unpaid subscriptions. */
export interface DunningState {
  overdue: readonly Overdue[];
  /** What became of the invoices of our open dunnings that are not, or no longer, among the overdue. */
  fates: ReadonlyMap<string, InvoiceFate>;
}

/** Asks Stripe nothing more while every subscription is paid. */
export async function fetchDunning(
  ctx: TenantCtx,
  subscriptions: readonly Stripe.Subscription[],
): Promise<DunningState> {
  const behind = subscriptions.filter(({ status }) => isBehind(status));
  const found = await Promise.all(behind.map((subscription) => lookAt(ctx, subscription)));
  const overdue = found.filter((one) => one !== null);
  const gone = (await openDunnings(ctx))
    .map(({ invoiceId }) => invoiceId)
    .filter((id) => !overdue.some(({ invoiceId }) => invoiceId === id));
  const fates = await Promise.all(gone.map(async (id) => [id, await fateOf(ctx, id)] as const));
  return { overdue, fates: new Map(fates) };
}

/** Written off or not, it is unpaid. */
async function lookAt(ctx: Ctx, subscription: Stripe.Subscription): Promise<Overdue | null> {
  const page = { subscription: subscription.id, limit: MAX_INVOICES };
  const [open, uncollectible] = await Promise.all([
    ctx.stripe.invoices.list({ ...page, status: "open" }),
    ctx.stripe.invoices.list({ ...page, status: "uncollectible" }),
  ]);
  return overdueOf(subscription, [...open.data, ...uncollectible.data]);
}

async function fateOf(ctx: Ctx, invoiceId: string): Promise<InvoiceFate> {
  try {
    return (await ctx.stripe.invoices.retrieve(invoiceId)).status ?? "draft";
  } catch (error) {
    if (isMissingAtStripe(error)) return "missing";
    throw error;
  }
}
