import { moneyOf, pageUrl, type Template } from "../letter";

export const orderRefunded: Template<"order.refunded"> = {
  topic: "receipts",
  write: ({ orderId, amountMinor, currency }, about) => ({
    title: `Refund: ${moneyOf(amountMinor, currency)}`,
    paragraphs: [
      `${moneyOf(amountMinor, currency)} go back to the way you paid. Banks take up to ten days.`,
      "What the refunded share had bought was taken back.",
    ],
    details: [["Order", orderId]],
    action: { label: "See orders", url: pageUrl(about, "billing") },
  }),
  example: { orderId: "ord_0", amountMinor: "1000", currency: "usd" },
};
