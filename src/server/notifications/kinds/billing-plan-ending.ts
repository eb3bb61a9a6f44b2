import { inDays, pageUrl, planName, type Template, timeIn } from "../letter";

export const billingPlanEnding: Template<"billing.plan_ending"> = {
  topic: "plan",
  write: ({ plan, daysLeft, endsAt, cancelled }, about) => ({
    title: `${planName(about, plan)} ends ${inDays(daysLeft)}`,
    paragraphs: [
      `It is paid until ${timeIn(about, endsAt)}. After that the workspace is on ${planName(about, about.prices.defaultPlan)}.`,
      cancelled
        ? "You cancelled it. Bought credits stay. Until it ends you can resume it, and nothing changes."
        : "Bought credits stay. Renew before, and no day is lost: a new period begins where this one ends.",
    ],
    action: { label: cancelled ? "Resume" : "Renew", url: pageUrl(about, "billing") },
  }),
  example: { plan: "pro@1", daysLeft: 3, endsAt: "2026-11-24T09:00:00Z", cancelled: false },
};
