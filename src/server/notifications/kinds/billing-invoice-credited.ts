import { moneyOf, pageUrl, type Template } from "../letter";

export const billingInvoiceCredited: Template<"billing.invoice_credited"> = {
  topic: "receipts",
  write: (fact, about) => {
    const { number, invoiceId, currency, amountMinor, refundedMinor, balanceMinor, unpaidMinor, url } = fact;
    const said = (minor: string, what: string) =>
      minor === "0" ? [] : [`${moneyOf(minor, currency)} ${what}`];
    return {
      title: `Credit: ${moneyOf(amountMinor, currency)}`,
      paragraphs: [
        `${moneyOf(amountMinor, currency)} were taken off your invoice.`,
        ...said(refundedMinor, "go back to the way you paid. Banks take up to ten days."),
        ...said(balanceMinor, "are kept for your next invoices."),
        ...said(unpaidMinor, "less of it is to be paid."),
      ],
      details: [["Invoice", number ?? invoiceId]],
      action: { label: "See the credit note", url: url ?? pageUrl(about, "billing") },
    };
  },
  example: {
    invoiceId: "in_0",
    number: "A1B2-0007",
    currency: "usd",
    amountMinor: "500",
    refundedMinor: "500",
    balanceMinor: "0",
    unpaidMinor: "0",
    url: null,
  },
};
