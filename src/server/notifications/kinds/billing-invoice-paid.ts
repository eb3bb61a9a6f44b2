import { moneyOf, pageUrl, type Template } from "../letter";

export const billingInvoicePaid: Template<"billing.invoice_paid"> = {
  topic: "receipts",
  write: ({ number, invoiceId, totalMinor, currency, url }, about) => ({
    title: `Invoice paid: ${moneyOf(totalMinor, currency)}`,
    paragraphs: ["Thank you. We received your payment."],
    details: [
      ["Invoice", number ?? invoiceId],
      ["Paid", moneyOf(totalMinor, currency)],
    ],
    action: { label: "See the invoice", url: url ?? pageUrl(about, "billing") },
  }),
  example: {
    invoiceId: "in_0",
    number: "A1B2-0007",
    totalMinor: "1500",
    currency: "usd",
    url: null,
  },
};
