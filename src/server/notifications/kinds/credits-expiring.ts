import { creditsIn, dayIn, pageUrl, type Template, timeIn } from "../letter";

export const creditsExpiring: Template<"credits.expiring"> = {
  topic: "credits",
  write: ({ credits, expiresAt }, about) => ({
    title: `${creditsIn(credits)} expire on ${dayIn(about, expiresAt)}`,
    paragraphs: [
      `What is not spent by ${timeIn(about, expiresAt)} is gone then.`,
      "Credits that expire first are spent first, so there is nothing to set up.",
    ],
    action: { label: "See credits", url: pageUrl(about, "credits") },
  }),
  example: { credits: 150, expiresAt: "2026-11-28T09:00:00Z" },
};
