import { dayIn, moneyOf, pageUrl, planName, type Template } from "../letter";

export const billingPlanChanged: Template<"billing.plan_changed"> = {
  topic: "plan",
  write: ({ from, to, interval, amountMinor, currency, renewsAt }, about) => {
    const [before, after] = [planName(about, from), planName(about, to)];
    const price = `${moneyOf(amountMinor, currency)} a ${interval}`;
    return {
      title: before === after ? `${after} is now paid by the ${interval}` : `You are now on ${after}`,
      paragraphs: [
        before === after
          ? `It was changed to ${price}.`
          : `The workspace moved from ${before} to ${after}, at ${price}.`,
        `It renews on ${dayIn(about, renewsAt)}.`,
      ],
      action: { label: "See the plan", url: pageUrl(about, "billing") },
    };
  },
  example: {
    from: "free@1",
    fromInterval: "month",
    to: "pro@1",
    interval: "month",
    amountMinor: "1500",
    currency: "usd",
    renewsAt: "2026-12-21T09:00:00Z",
  },
};
