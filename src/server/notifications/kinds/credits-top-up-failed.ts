import { pageUrl, type Template } from "../letter";

export const creditsTopUpFailed: Template<"credits.top_up_failed"> = {
  topic: "payments",
  write: ({ message, payUrl }, about) => ({
    title: "Automatic top-ups stopped",
    paragraphs: [
      message,
      "No card is asked again until somebody turns automatic top-ups on once more. Credits that are there can be spent as before.",
    ],
    action: { label: "Buy credits", url: payUrl ?? pageUrl(about, "credits") },
  }),
  example: {
    orderId: "ord_0",
    reason: "declined",
    code: "card_declined",
    message: "Your card was declined.",
    payUrl: null,
  },
};
