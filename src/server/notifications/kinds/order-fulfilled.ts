import { moneyOf, pageUrl, type Template, timeIn } from "../letter";

export const orderFulfilled: Template<"order.fulfilled"> = {
  topic: "receipts",
  write: ({ orderId, totalMinor, taxMinor, currency, lines, automatic }, about) => {
    const total = moneyOf(totalMinor, currency);
    const tax: [string, string][] = taxMinor === "0" ? [] : [["Of which tax", moneyOf(taxMinor, currency)]];
    return {
      title: automatic ? `Automatic top-up: ${total}` : `Receipt: ${total}`,
      paragraphs: [
        automatic
          ? `Credits fell below your mark, so they were topped up on ${timeIn(about, about.at.toISOString())}.`
          : `Thank you. We received your payment on ${timeIn(about, about.at.toISOString())}, and what you bought is there.`,
      ],
      details: [
        ...lines.map(({ name, amountMinor }) => [name, moneyOf(amountMinor, currency)] as const),
        ...tax,
        ["Paid", total],
        ["Order", orderId],
      ],
      action: { label: "See orders", url: pageUrl(about, "billing") },
    };
  },
  example: {
    orderId: "ord_0",
    totalMinor: "2500",
    taxMinor: "0",
    currency: "usd",
    lines: [
      { name: "Standard, 30 days", amountMinor: "2000" },
      { name: "500 credits", amountMinor: "500" },
    ],
    automatic: false,
  },
};
