import { creditsIn, pageUrl, type Template } from "../letter";

export const creditsDebt: Template<"credits.debt"> = {
  topic: "payments",
  write: ({ owed }, about) => ({
    title: `The workspace is stopped: it owes ${creditsIn(owed)}`,
    paragraphs: [
      "A payment went back after what it had bought was spent.",
      `Nothing more can be used until ${creditsIn(owed)} are bought; they pay what is owed first. Everything goes on by itself then.`,
    ],
    action: { label: "Buy credits", url: pageUrl(about, "credits") },
  }),
  example: { owed: 40 },
};
