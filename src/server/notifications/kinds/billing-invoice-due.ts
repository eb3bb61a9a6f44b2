import { dayIn, moneyOf, pageUrl, type Template } from "../letter";

export const billingInvoiceDue: Template<"billing.invoice_due"> = {
  topic: "payments",
  write: ({ number, invoiceId, totalMinor, currency, dueAt, payUrl }, about) => ({
    title: dueAt
      ? `Invoice over ${moneyOf(totalMinor, currency)}, due on ${dayIn(about, dueAt)}`
      : `Invoice over ${moneyOf(totalMinor, currency)}: the card was not charged`,
    paragraphs: [
      dueAt
        ? "It is for something beside your plan."
        : "It is for something beside your plan. Please pay it by hand.",
    ],
    details: [
      ["Invoice", number ?? invoiceId],
      ["To pay", moneyOf(totalMinor, currency)],
    ],
    action: { label: "See and pay it", url: payUrl ?? pageUrl(about, "billing") },
  }),
  example: {
    invoiceId: "in_0",
    number: "A1B2-0008",
    totalMinor: "25000",
    currency: "usd",
    dueAt: "2026-12-05T09:00:00Z",
    payUrl: null,
  },
};
