import type Stripe from "stripe";
import { attachCard, createCard, isPageCard, PAGE_CARDS } from "../billing/cards";
import { authenticateInvoice, collect } from "../billing/collection";
import { paymentOf } from "../billing/invoices";
import { formatMinor } from "../billing/money";
import { AUTHENTICATION_FAILURE_MESSAGE, DECLINE } from "../billing/payments";
import type { World } from "../world";
import { alertOf, authenticationPage, cardSelect, html, notFound, type PageAnswer, page } from "./html";
import { pdfOf } from "./pdf";

function invoicePageOf(invoice: Stripe.Invoice, message: string | null): PageAnswer {
  const { currency, lines, total, status, id, number } = invoice;
  const rows = lines.data.map(
    (line) =>
      html`<tr><th scope="row">${line.description ?? "Item"}</th><td>${formatMinor(line.amount, currency)}</td></tr>`,
  );
  const form = html`<form method="post" action="/i/${id}">${cardSelect()}<button class="main">Pay</button></form>`;
  return page(
    `Invoice ${number ?? ""}`,
    "Invoice",
    html`<section><h1>Invoice ${number ?? ""}</h1><table>${rows}</table>
<p class="total">${formatMinor(total, currency)}</p><p role="status">${status ?? ""}</p>
${alertOf(message)}${status === "open" ? form : null}</section>`,
  );
}

function pay(world: World, invoice: Stripe.Invoice, form: URLSearchParams): PageAnswer {
  const choice = form.get("card") ?? "";
  const card = PAGE_CARDS[isPageCard(choice) ? choice : "declined"];
  const method = attachCard(
    world,
    createCard(world, card, invoice.customer_email),
    invoice.customer as string,
  );
  const outcome = collect(world, invoice, { automatic: false, paymentMethod: method.id });
  if (outcome === "declined") return invoicePageOf(invoice, DECLINE.message);
  const step = outcome === "requires_action" ? "/authenticate" : "";
  return { status: 303, location: `/i/${invoice.id}${step}` };
}

function billTo({
  customer_name,
  customer_email,
  customer_address: address,
  customer_tax_ids,
}: Stripe.Invoice): string[] {
  const { line1, line2, postal_code, city, state, country } = address ?? {};
  return [
    `Bill to: ${[customer_name, customer_email].filter(Boolean).join(", ")}`,
    [line1, line2, [postal_code, city].filter(Boolean).join(" "), state, country].filter(Boolean).join(", "),
    ...(customer_tax_ids ?? []).map(({ type, value }) => `${type}: ${value ?? ""}`),
  ].filter(Boolean);
}

function document(invoice: Stripe.Invoice): string[] {
  const { number, lines, currency, status, total, amount_paid, total_discount_amounts } = invoice;
  const money = (amount: number) => formatMinor(amount, currency);
  const day = new Date((invoice.effective_at ?? invoice.created) * 1000).toISOString().slice(0, 10);
  const off = (total_discount_amounts ?? []).reduce((sum, { amount }) => sum + amount, 0);
  const tax = (invoice.total_taxes ?? []).reduce((sum, { amount }) => sum + amount, 0);
  return [
    `Invoice ${number ?? "(draft)"}`,
    `Simulated account - no money moves - ${day}`,
    ...billTo(invoice),
    "",
    ...lines.data.map((line) => `${line.description ?? "Item"}: ${money(line.amount)}`),
    "",
    ...(off === 0 ? [] : [`Discount: ${money(-off)}`]),
    ...(tax === 0 ? [] : [`Tax: ${money(tax)}`]),
    `Total: ${money(total)}`,
    `Paid: ${money(amount_paid)}`,
    `Status: ${status ?? ""}`,
  ];
}

/** The hosted invoice page. @returns null for paths that are not its own. */
export function invoicePage(
  world: World,
  method: string,
  path: string,
  form: URLSearchParams,
): PageAnswer | null {
  const [, id, step] = path.match(/^\/i\/([^/]+)(\/authenticate|\/pdf)?$/) ?? [];
  if (!id) return null;
  const invoice = world.store.find("invoice", id);
  if (!invoice) return notFound("Invoice");
  if (step === "/pdf") return { status: 200, pdf: pdfOf(document(invoice)) };
  if (invoice.status !== "open" || (method !== "POST" && !step)) return invoicePageOf(invoice, null);
  if (!step) return pay(world, invoice, form);
  if (method !== "POST") return authenticationPage("Invoice", path);
  const intent = paymentOf(world, id)?.payment.payment_intent as string | undefined;
  if (intent) authenticateInvoice(world, invoice, intent, form.get("outcome") === "complete");
  return invoicePageOf(
    invoice,
    world.get("invoice", id).status === "open" ? AUTHENTICATION_FAILURE_MESSAGE : null,
  );
}
