import { formatCount, formatUnits } from "@/components/format";
import type { Limit } from "@/lib/price-list";
import { dayIn, moneyOf, pageUrl, planName, type Template, versionName } from "../letter";

export const billingPlanMoving: Template<"billing.plan_moving"> = {
  topic: "plan",
  write: ({ from, to, at, amountMinor, currency, interval, changes }, about) => ({
    title: `${planName(about, to)} changes on ${dayIn(about, at)}`,
    paragraphs: [
      `From ${dayIn(about, at)} your plan is ${versionName(about, to)}; until then it is ${versionName(about, from)}.`,
      ...(amountMinor === null
        ? []
        : [
            `From that renewal on it costs ${moneyOf(amountMinor, currency)} a ${interval}, before tax and discounts.`,
          ]),
      changes.length === 0
        ? "What you may use stays the same. There is nothing you need to do."
        : "This is what changes. There is nothing you need to do; the Billing page has other plans.",
    ],
    details: changes.map(({ name, unit, before, after }) => [
      name,
      `${wordFor(before, unit)} → ${wordFor(after, unit)}`,
    ]),
    action: { label: "See the plan", url: pageUrl(about, "billing") },
  }),
  example: {
    from: "pro@3",
    to: "pro@4",
    at: "2026-12-21T09:00:00Z",
    amountMinor: "2000",
    currency: "usd",
    interval: "month",
    changes: [
      { name: "Compute", unit: "unit", before: 2_000, after: 3_000 },
      { name: "Single sign-on", unit: null, before: false, after: true },
    ],
  },
};

function wordFor(limit: Limit, unit: string | null): string {
  if (typeof limit === "boolean") return limit ? "yes" : "no";
  if (limit === "unlimited") return limit;
  return unit === null ? formatCount(limit) : formatUnits(limit, unit);
}
