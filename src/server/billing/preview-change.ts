import type { Money } from "@/lib/money";
import type { TenantCtx } from "../context";
import { parseInput } from "../parse";
import { standAside } from "../plan-moves/carry-out-move";
import { liveOverrides } from "../plans/live-overrides";
import { currentPlan } from "../plans/service";
import { status } from "../quota/status";
import type { Interval } from "../stripe/rules";
import {
  type LimitChange,
  limitChanges,
  PREVIEW_MINUTES,
  previewName,
  type Timing,
} from "../subscriptions/plan-change-rules";
import { type Quote, quotePlanChange } from "../subscriptions/quote-plan-change";
import { seatsOf } from "../subscriptions/seat-rules";
import { exclusiveTax, sumOf } from "../subscriptions/waiting-amount";
import { syncCustomer } from "../sync/sync";
import { type PreviewChangeInput, previewChangeInput } from "./inputs";

export interface ChangePreview {
  /** Its name: `changePlan` carries out what was previewed under it, or says that something has changed since. */
  preview: string;
  validUntil: Date;
  /** A dearer plan or a longer interval takes effect now, everything else when the period that is paid for ends. */
  timing: Timing;
  takesEffectAt: Date;
  plan: { id: string; name: string; interval: Interval };
  /** How many are paid for, of a plan that is paid by the seat; null for a flat price. */
  seats: number | null;
  /** What is charged on confirming. */
  dueNow: Money;
  /** What is left over for later invoices, when more was paid ahead than the change costs. */
  creditKept: Money;
  /** What the amount is made of, before `discount` is taken off and `tax` is added. */
  lines: { description: string; amount: Money }[];
  discount: Money;
  tax: Money;
  /** The next regular invoice. */
  next: { at: Date; amount: Money };
  /** Of it, what the period so far leaves to be paid, as seats that came in it. */
  waiting: Money;
  /** What the plan allows, where that changes. */
  limits: LimitChange[];
}

/**
 * What a change of plan or interval costs, to the cent, and what it changes. Changes nothing.
 * @throws AppError INVALID_INPUT, CONFLICT, PRICES_NOT_PUSHED, PAYMENT_PROVIDER: see `quotePlanChange`
 */
export async function previewChange(ctx: TenantCtx, input: PreviewChangeInput): Promise<ChangePreview> {
  const wish = parseInput(previewChangeInput, input);
  // What changed at Stripe a moment ago is known after this.
  await syncCustomer(ctx);
  if (await standAside(ctx)) await syncCustomer(ctx);
  const at = Math.floor(ctx.now().getTime() / 1_000);
  const quote = await quotePlanChange(ctx, wish, at);
  const { fingerprint, totalMinor, to, invoice } = quote;
  const { currency } = quote.recurring;
  const money = (minor: number | bigint): Money => ({ amountMinor: BigInt(minor), currency });
  return {
    preview: previewName({ at, totalMinor, fingerprint }),
    validUntil: new Date((at + PREVIEW_MINUTES * 60) * 1_000),
    timing: quote.request.timing,
    takesEffectAt: quote.takesEffectAt,
    plan: { id: to.planId, name: to.definition.plan.name, interval: quote.interval },
    seats: seatsOf(to.definition.plan) ? quote.request.to.quantity : null,
    dueNow: money(invoice?.amount_due ?? 0),
    creditKept: money(-balanceAfter(quote)),
    lines: (invoice?.lines.data ?? []).map(({ description, amount }) => ({
      description: description ?? "",
      amount: money(amount),
    })),
    discount: money(sumOf(invoice?.total_discount_amounts ?? [])),
    tax: money(exclusiveTax(invoice?.total_taxes ?? [])),
    next: { at: quote.nextInvoiceAt, amount: money(nextDue(quote)) },
    waiting: money(quote.waitingMinor),
    limits: await limitsOf(ctx, quote),
  };
}

/** The customer's balance once the change is invoiced: below zero, it pays for later invoices. */
function balanceAfter({ invoice, recurring }: Quote): number {
  const before = recurring.starting_balance;
  return invoice ? Math.min(0, before + invoice.total) : Math.min(0, before);
}

function nextDue(quote: Quote): number {
  return Math.max(0, quote.recurring.total + quote.waitingMinor + balanceAfter(quote));
}

/** From the plan in force, whatever put the tenant on it. */
async function limitsOf(ctx: TenantCtx, { to }: Quote): Promise<LimitChange[]> {
  const { version } = await currentPlan(ctx);
  const own = new Set((await liveOverrides(ctx)).keys());
  const { meters } = await status(ctx);
  const used = new Map(meters.map((meter) => [meter.feature, meter.used]));
  const changes = limitChanges(version.definition, to.definition, own, used);
  return changes.sort((a, b) => placeOf(ctx, a.feature) - placeOf(ctx, b.feature));
}

/** In the price list's order: where versions are kept, it is lost. */
function placeOf({ prices }: TenantCtx, feature: string): number {
  const at = Object.keys(prices.features).indexOf(feature);
  return at < 0 ? Number.MAX_SAFE_INTEGER : at;
}
