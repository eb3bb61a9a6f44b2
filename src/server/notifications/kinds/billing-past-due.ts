import { dayIn, moneyOf, pageUrl, type Template } from "../letter";

export const billingPastDue: Template<"billing.past_due"> = {
  topic: "payments",
  write: ({ amountMinor, currency, payUrl, step, endsAt }, about) => {
    const amount = moneyOf(amountMinor, currency);
    const action = { label: "Pay now", url: payUrl ?? pageUrl(about, "billing") };
    if (step === "plan_ended")
      return {
        title: "Your plan ended: it was not paid",
        paragraphs: [
          `${amount} were not paid, so the workspace is on the free plan now. Nothing you made was deleted.`,
          "Choose a plan to go on as before.",
        ],
        action: { label: "See plans", url: pageUrl(about, "billing") },
      };
    const end = endsAt ? ` On ${dayIn(about, endsAt)} the workspace falls to the free plan.` : "";
    return {
      title: `${amount} are still unpaid`,
      paragraphs: [
        `What your plan includes still works, but nothing more can be bought until it is paid.${end}`,
        "Paying puts everything right at once.",
      ],
      action,
    };
  },
  example: {
    amountMinor: "1500",
    currency: "usd",
    payUrl: null,
    step: "purchases_stopped",
    endsAt: "2026-12-05T09:00:00Z",
  },
};
