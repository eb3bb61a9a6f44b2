import { pageUrl, planName, type Template, versionName } from "../letter";

export const billingPlanMoveUndone: Template<"billing.plan_move_undone"> = {
  topic: "plan",
  write: ({ plan, instead }, about) => ({
    title: `${planName(about, plan)} stays as it is`,
    paragraphs: [
      `We told you that your plan would become ${versionName(about, instead)}. That is off.`,
      `You stay on ${versionName(about, plan)}, at its price.`,
    ],
    action: { label: "See the plan", url: pageUrl(about, "billing") },
  }),
  example: { plan: "pro@3", instead: "pro@4" },
};
