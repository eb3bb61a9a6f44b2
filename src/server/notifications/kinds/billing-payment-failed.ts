import { dayIn, moneyOf, pageUrl, type Template } from "../letter";

export const billingPaymentFailed: Template<"billing.payment_failed"> = {
  topic: "payments",
  write: ({ amountMinor, currency, payUrl, nextAttemptAt, graceEndsAt }, about) => {
    const again = nextAttemptAt
      ? `We try again on ${dayIn(about, nextAttemptAt)}. To be sure, pay now or change the card.`
      : "It is not tried again by itself. Please pay now, or change the card.";
    const grace = graceEndsAt ? [`Until ${dayIn(about, graceEndsAt)} everything works as before.`] : [];
    return {
      title: `Your payment of ${moneyOf(amountMinor, currency)} did not go through`,
      paragraphs: [again, ...grace],
      action: { label: "Pay now", url: payUrl ?? pageUrl(about, "billing") },
    };
  },
  example: {
    amountMinor: "1500",
    currency: "usd",
    payUrl: null,
    nextAttemptAt: "2026-11-24T09:00:00Z",
    graceEndsAt: "2026-11-28T09:00:00Z",
  },
};
