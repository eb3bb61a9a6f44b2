import type { Stage } from "@tests/support/stage";
import { expect } from "vitest";
import { definePriceList } from "@/lib/price-list";
import { refundOrder } from "@/server/back-office/refund-order";
import { changePlan } from "@/server/billing/change-plan";
import { startCheckout } from "@/server/billing/checkout";
import { cancelSubscription } from "@/server/billing/end-subscription";
import {
  addPaymentMethod,
  listPaymentMethods,
  setDefaultPaymentMethod,
} from "@/server/billing/payment-methods";
import { type ChangePreview, previewChange } from "@/server/billing/preview-change";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { listOrders } from "@/server/orders/orders";
import { consume } from "@/server/quota/consume";
import { ensureCustomer } from "@/server/stripe/customer";
import { setAutoTopUp } from "@/server/top-ups/auto-top-up";

/** A plan that can be tried and refills credits, a dearer one, and packs; what compute a week lacks, credits pay. */
export const longStoryPrices = definePriceList({
  currency: "usd",
  features: {
    compute: {
      kind: "meter",
      name: "Compute",
      unit: "unit",
      window: "week",
      align: "anchored",
      overflow: { to: "credits", credits: 1, perUnits: 1 },
    },
  },
  plans: [
    { id: "free", name: "Free", tagline: "Free", price: { kind: "free" }, limits: { compute: 10 } },
    {
      id: "pro",
      name: "Pro",
      tagline: "Pro",
      price: { kind: "recurring", monthlyMinor: 1_500, annualMinor: 15_000 },
      limits: { compute: 100 },
      refill: { credits: 20, every: "month" },
      trial: { days: 7, card: true },
    },
    {
      id: "enterprise",
      name: "Enterprise",
      tagline: "Enterprise",
      price: { kind: "recurring", monthlyMinor: 9_900, annualMinor: 99_000 },
      limits: { compute: 1_000 },
    },
  ],
  packs: [
    { id: "credits_100", name: "100 credits", credits: 100, priceMinor: 500, expiresAfterDays: null },
    { id: "credits_500", name: "500 credits", credits: 500, priceMinor: 2_000, expiresAfterDays: 365 },
  ],
  defaultPlan: "free",
});

/** What somebody does, and when. */
interface Act {
  at: string;
  what: string;
  run(): Promise<unknown>;
}

type Wish = { plan: string; interval: "month" | "year" };
const AUTO = { enabled: true, threshold: 30, pack: "credits_100", monthlyCapMinor: 2_000 } as const;

/**
 * One workspace's fourteen months: a trial that is paid, credits, an upgrade, a downgrade, a card that expires and a new
 * one, a year, automatic top-ups, a refund, a dispute that is lost and one that is won, and the end. What moves the
 * clock between the acts is the caller's: with cron and webhooks, or with every webhook held back.
 */
export function fourteenMonths(stage: Stage, ctx: TenantCtx): Act[] {
  const { stripe, simulator, pay } = stage;
  const disputes: string[] = [];
  const buy = async (wish: Parameters<typeof startCheckout>[1]) => {
    const { url } = await startCheckout(ctx, wish);
    await pay(url);
  };
  const spend = (units: number, key: string) => consume(ctx, { feature: "compute", units, key });
  const change = async (wish: Wish): Promise<ChangePreview> => {
    const preview = await previewChange(ctx, wish);
    const { outcome } = await changePlan(ctx, { ...wish, preview: preview.preview });
    expect(outcome).toBe(preview.timing === "now" ? "changed" : "scheduled");
    if (preview.timing === "now") {
      const customer = await ensureCustomer(ctx);
      const [invoice] = (await stripe.invoices.list({ customer, limit: 1 })).data;
      expect(BigInt(invoice!.amount_due)).toBe(preview.dueNow.amountMinor);
    }
    return preview;
  };
  const order = async (place: number) => (await listOrders(ctx, { limit: 100 })).orders[place]!;
  const dispute = async (place: number, amount: number) => {
    const { paymentId } = await order(place);
    disputes.push(simulator.control.openDispute({ payment: paymentId!, amount }).id);
  };
  const decide = async (place: number, status: "won" | "lost") =>
    simulator.control.setDispute(disputes[place]!, status);
  const expire = async () => {
    const [card] = await listPaymentMethods(ctx);
    simulator.control.expireCard(card!.id, ctx.now());
  };
  const newCard = async () => {
    await pay((await addPaymentMethod(ctx)).url);
    const added = (await listPaymentMethods(ctx)).find(({ isDefault }) => !isDefault);
    await setDefaultPaymentMethod(ctx, { id: added!.id });
  };
  const refund = async (amountMinor: number) => {
    const { id: orderId } = await order(0);
    await refundOrder(ctx, { orderId, amountMinor, reason: "a bad week", key: "refund-1" });
  };
  const cancel = () => cancelSubscription(ctx, { when: "period_end", reason: "unused" });
  const acts: [string, string, () => Promise<unknown>][] = [
    ["2026-03-02T09:00Z", "a trial begins", () => buy({ plan: "pro", interval: "month" })],
    ["2026-03-10T08:00Z", "credits are bought", () => buy({ pack: "credits_500", saveCard: true })],
    ["2026-03-12T10:30Z", "an upgrade", () => change({ plan: "enterprise", interval: "month" })],
    ["2026-03-14T10:30Z", "compute is used", () => spend(700, "march")],
    ["2026-03-20T16:45Z", "a downgrade is scheduled", () => change({ plan: "pro", interval: "month" })],
    ["2026-04-20T11:00Z", "automatic top-ups are turned on", () => setAutoTopUp(ctx, AUTO)],
    ["2026-04-20T12:00Z", "more is used than there is compute", () => spend(600, "april")],
    ["2026-05-01T00:00Z", "the card expires", () => expire()],
    ["2026-05-11T19:00Z", "a new card", () => newCard()],
    ["2026-05-20T15:15Z", "a year instead of months", () => change({ plan: "pro", interval: "year" })],
    ["2027-01-25T10:00Z", "credits are bought again", () => buy({ pack: "credits_500" })],
    ["2027-02-10T10:00Z", "the operator refunds a part", () => refund(750)],
    ["2027-02-20T10:00Z", "another pack", () => buy({ pack: "credits_100" })],
    [
      "2027-02-22T10:00Z",
      "all credits are used",
      async () => spend(100 + (await balance(ctx)).available, "february"),
    ],
    ["2027-03-01T10:00Z", "that pack's payment is disputed", () => dispute(1, 500)],
    ["2027-03-05T10:00Z", "a third pack", () => buy({ pack: "credits_500" })],
    ["2027-03-12T10:00Z", "a part of it is disputed", () => dispute(0, 1_200)],
    ["2027-03-20T10:00Z", "the first dispute is lost", () => decide(0, "lost")],
    ["2027-04-05T10:00Z", "the second is won", () => decide(1, "won")],
    ["2027-04-10T10:00Z", "it is cancelled", () => cancel()],
  ];
  return acts.map(([at, what, run]) => ({ at, what, run }));
}

/** When the year that was paid for is over, and a day more. */
export const LONG_STORY_ENDS = "2027-05-21T15:15Z";
