import type { Facts } from "../../events/facts";
import { moneyOf, pageUrl, type Template } from "../letter";

type Status = Facts["order.disputed"]["status"];

const TITLES: Record<Status, (amount: string) => string> = {
  open: (amount) => `A payment of ${amount} is disputed`,
  won: (amount) => `The dispute of ${amount} is over: the payment stands`,
  lost: (amount) => `The dispute of ${amount} is over: the money went back`,
};
const WORDS: Record<Status, string> = {
  open: "The card's bank took the money back while it looks into it, so what it had bought was taken back too. If nobody of yours meant to dispute it, tell the bank.",
  won: "What the payment had bought is there again.",
  lost: "What the payment had bought stays taken back.",
};

export const orderDisputed: Template<"order.disputed"> = {
  topic: "payments",
  write: ({ orderId, amountMinor, currency, status }, about) => ({
    title: TITLES[status](moneyOf(amountMinor, currency)),
    paragraphs: [WORDS[status]],
    details: [["Order", orderId]],
    action: { label: "See orders", url: pageUrl(about, "billing") },
  }),
  example: { orderId: "ord_0", amountMinor: "2500", currency: "usd", status: "open" },
};
