import { creditsIn, pageUrl, type Template } from "../letter";

export const creditsLow: Template<"credits.low"> = {
  topic: "credits",
  write: ({ left, lowAt }, about) => ({
    title: left === 0 ? "No credits are left" : `${creditsIn(left)} left`,
    paragraphs: [
      `The balance fell below your mark of ${creditsIn(lowAt)}.`,
      "What goes past an allowance stops when the credits are spent.",
    ],
    action: { label: "Get more credits", url: pageUrl(about, "credits") },
  }),
  example: { left: 12, lowAt: 50 },
};
