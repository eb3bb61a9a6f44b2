import type Stripe from "stripe";
import { expect, test } from "vitest";
import { prices } from "@/config/plans";
import { priceListProblems } from "@/lib/price-list-problems";
import { dunningDays, dunningStep, nextStepAt, overdueOf } from "@/server/subscriptions/dunning-rules";

const since = new Date("2026-03-02T09:00:00.000Z");
const at = (days: number, ms = 0) => new Date(since.getTime() + days * 86_400_000 + ms);
const steps = (dunning: { graceDays: number; endDays: number } | undefined, ...days: [number, number?][]) => {
  const counted = dunningDays({ ...prices, dunning }, since);
  return days.map(([day, ms]) => [
    dunningStep(counted, at(day, ms)),
    nextStepAt(counted, at(day, ms))?.getTime(),
  ]);
};
const ms = (days: number) => at(days).getTime();

test("each step begins at its very instant: by default after 7 and 14 days, else as the price list says", () => {
  expect(steps(undefined, [0], [7, -1], [7], [14, -1], [14])).toEqual([
    ["grace", ms(7)],
    ["grace", ms(7)],
    ["purchases_stopped", ms(14)],
    ["purchases_stopped", ms(14)],
    ["plan_ended", undefined],
  ]);
  expect(steps({ graceDays: 0, endDays: 3 }, [0], [3])).toEqual([
    ["purchases_stopped", ms(3)],
    ["plan_ended", undefined],
  ]);
  expect(steps({ graceDays: 5, endDays: 5 }, [4], [5])).toEqual([
    ["grace", ms(5)],
    ["plan_ended", undefined],
  ]);
});

test.each([
  [{ graceDays: 0, endDays: 1 }, 0],
  [{ graceDays: 60, endDays: 60 }, 0],
  [{ graceDays: -1, endDays: 1 }, 1],
  [{ graceDays: 8, endDays: 7 }, 1],
  [{ graceDays: 0, endDays: 0 }, 1],
  [{ graceDays: 1.5, endDays: 7 }, 1],
  [{ graceDays: 7, endDays: 61 }, 1],
])("%j is %i problem(s) of a price list", (dunning, problems) => {
  expect(priceListProblems({ ...prices, dunning })).toHaveLength(problems);
});

const invoice = (id: string, more: Partial<Stripe.Invoice> & { finalizedOn?: number } = {}) => {
  const { finalizedOn = 0, ...rest } = more;
  return {
    id,
    status: "open",
    attempted: true,
    amount_remaining: 1_500,
    currency: "usd",
    created: ms(finalizedOn) / 1_000 - 3_600,
    status_transitions: { finalized_at: ms(finalizedOn) / 1_000 },
    hosted_invoice_url: `https://pay.test/${id}`,
    next_payment_attempt: null,
    billing_reason: "subscription_cycle",
    ...rest,
  } as Stripe.Invoice;
};
const subscription = { id: "sub_1", pending_update: null };

test("the oldest invoice that was tried and failed says since when; all that is unpaid is due", () => {
  const invoices = [
    invoice("in_3", { finalizedOn: 31, amount_remaining: 700 }),
    invoice("in_2", { finalizedOn: 1, status: "uncollectible" }),
    invoice("in_paid", { status: "paid", amount_remaining: 0 }),
    invoice("in_void", { status: "void" }),
    invoice("in_untried", { attempted: false }),
  ];
  const found = overdueOf(subscription, invoices);
  expect(found).toMatchObject({ invoiceId: "in_2", pastDueSince: at(1), amountMinor: 2_200n });
  expect(overdueOf(subscription, invoices.toReversed())).toEqual(found);
  expect(overdueOf(subscription, invoices.slice(2))).toBeNull();
});

test("the invoice of a change that waits for its payment makes nothing overdue", () => {
  const change = invoice("in_1", { billing_reason: "subscription_update" });
  const pending_update = { expires_at: 0 } as Stripe.Subscription.PendingUpdate;
  expect(overdueOf({ ...subscription, pending_update }, [change])).toBeNull();
  expect(overdueOf(subscription, [change])?.invoiceId).toBe("in_1");
});
