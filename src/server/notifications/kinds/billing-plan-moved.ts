import { moneyOf, pageUrl, type Template, versionName } from "../letter";

export const billingPlanMoved: Template<"billing.plan_moved"> = {
  topic: "plan",
  write: ({ from, to, amountMinor, currency, interval }, about) => ({
    title: `Your plan is now ${versionName(about, to)}`,
    paragraphs: [
      `Before, it was ${versionName(about, from)}.`,
      amountMinor === null
        ? "What it gives is on the Billing page."
        : `Renewals cost ${moneyOf(amountMinor, currency)} a ${interval}, before tax and discounts.`,
    ],
    action: { label: "See the plan", url: pageUrl(about, "billing") },
  }),
  example: { from: "pro@3", to: "pro@4", amountMinor: "2000", currency: "usd", interval: "month" },
};
