import { inDays, moneyOf, pageUrl, planName, type Template, timeIn } from "../letter";

export const billingTrialEnding: Template<"billing.trial_ending"> = {
  topic: "plan",
  write: ({ plan, daysLeft, endsAt, amountMinor, currency, begins = false }, about) => ({
    title: begins
      ? `Your subscription to ${planName(about, plan)} begins ${inDays(daysLeft)}`
      : `Your trial of ${planName(about, plan)} ends ${inDays(daysLeft)}`,
    paragraphs: [
      begins
        ? `The days that you paid ahead end on ${timeIn(about, endsAt)}. The subscription begins there.`
        : `It ends on ${timeIn(about, endsAt)}.`,
      amountMinor === null
        ? "Nothing is charged then. To keep the plan, add a way to pay before."
        : `${moneyOf(amountMinor, currency)} are charged then, unless you cancel before.`,
    ],
    action: { label: "See the plan", url: pageUrl(about, "billing") },
  }),
  example: {
    plan: "pro@1",
    daysLeft: 3,
    endsAt: "2026-11-24T09:00:00Z",
    amountMinor: "1500",
    currency: "usd",
  },
};
