import type Stripe from "stripe";
import {
  currentCard,
  managedSubscriptions,
  offeredPrices,
  switchCost,
  waitsForPeriodEnd,
} from "../billing/portal";
import { productName } from "../billing/subscription-items";
import type { World } from "../world";
import { alertOf, cardSelect, type Html, html, type PageAnswer, page } from "./html";

/** What the portal's pages are drawn from. */
export interface PortalView {
  world: World;
  session: Stripe.BillingPortal.Session;
  configuration: Stripe.BillingPortal.Configuration;
  money: (amountMinor: number, currency: string) => string;
}

const SHOWN_INVOICES = 12;

function dayOf(unix: number): string {
  return new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" }).format(
    new Date(unix * 1000),
  );
}

function priceText({ money }: PortalView, price: Stripe.Price): string {
  const { interval = "month", interval_count: count = 1 } = price.recurring ?? {};
  const every = count === 1 ? interval : `${count} ${interval}s`;
  return `${money(price.unit_amount ?? 0, price.currency)} per ${every}`;
}

function renewalText(view: PortalView, subscription: Stripe.Subscription): string {
  const end = dayOf(subscription.items.data[0]!.current_period_end);
  if (subscription.cancel_at !== null) return `Ends on ${dayOf(subscription.cancel_at)}`;
  if (subscription.status === "trialing") return `Trial ends on ${end}`;
  const { scheduledItems } = view.world.store.hidden("subscription", subscription.id);
  const next = scheduledItems?.[0] && view.world.store.find("price", scheduledItems[0].price);
  if (next) return `Changes to ${productName(view.world, next)} on ${end}`;
  if (subscription.status === "past_due") return "Payment failed. Update your card.";
  return `Renews on ${end}`;
}

function button(
  view: PortalView,
  step: string,
  text: string,
  fields: Record<string, string>,
  method = "get",
): Html {
  const inputs = Object.entries(fields).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  );
  return html`<form method="${method}" action="/p/session/${view.session.id}${step}">${inputs}<button>${text}</button></form>`;
}

function switchForm(view: PortalView, subscription: Stripe.Subscription): Html | null {
  const offered = offeredPrices(view.world, view.configuration, subscription);
  if (offered.length === 0) return null;
  const options = offered.map(
    (price) =>
      html`<option value="${price.id}">${productName(view.world, price)} – ${priceText(view, price)}</option>`,
  );
  return html`<form method="get" action="/p/session/${view.session.id}/switch">
<input type="hidden" name="subscription" value="${subscription.id}">
<label>Plan<select name="price">${options}</select></label><button>Switch plan</button></form>`;
}

function planSection(view: PortalView, subscription: Stripe.Subscription): Html {
  const [item] = subscription.items.data;
  const { features } = view.configuration;
  const isEnding = subscription.cancel_at !== null;
  const fields = { subscription: subscription.id };
  const cancel = isEnding
    ? button(view, "/resume", "Don't cancel", fields, "post")
    : button(view, "/cancel", "Cancel subscription", fields);
  return html`<section aria-label="Subscription"><h2>Current plan</h2>
<p class="total">${productName(view.world, item!.price)}</p>
<p>${priceText(view, item!.price)}</p>
<p role="status">${renewalText(view, subscription)}</p>
${isEnding ? null : switchForm(view, subscription)}
${features.subscription_cancel.enabled ? cancel : null}</section>`;
}

function cardSection(view: PortalView): Html | null {
  if (!view.configuration.features.payment_method_update.enabled) return null;
  const card = currentCard(view.world, view.session.customer)?.card;
  return html`<section aria-label="Payment method"><h2>Payment method</h2>
<p>${card ? `${card.brand} •••• ${card.last4}` : "No card"}</p>${button(view, "/card", "Update card", {})}</section>`;
}

function invoiceSection(view: PortalView): Html | null {
  if (!view.configuration.features.invoice_history.enabled) return null;
  const own = view.world.store.all("invoice").filter((invoice) => invoice.customer === view.session.customer);
  const rows = own.slice(0, SHOWN_INVOICES).map(
    (invoice) => html`<tr><th scope="row"><a href="/i/${invoice.id}">${dayOf(invoice.created)}</a></th>
<td>${view.money(invoice.total, invoice.currency)}</td><td>${invoice.status ?? ""}</td></tr>`,
  );
  return html`<section aria-label="Invoices"><h2>Invoices</h2>
${rows.length > 0 ? html`<table>${rows}</table>` : html`<p class="dim">No invoices yet</p>`}</section>`;
}

function siteName(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "the site";
}

function returnLink({ session }: PortalView): Html | null {
  if (!session.return_url) return null;
  return html`<p><a href="${session.return_url}">Return to ${siteName(session.return_url)}</a></p>`;
}

export function homePage(view: PortalView): PageAnswer {
  const plans = managedSubscriptions(view.world, view.session.customer);
  const none = html`<section aria-label="Subscription"><p>No subscription</p></section>`;
  const sections = plans.length > 0 ? plans.map((plan) => planSection(view, plan)) : [none];
  return page(
    "Billing",
    "Portal",
    html`<h1>Billing</h1>${sections}${cardSection(view)}${invoiceSection(view)}${returnLink(view)}`,
  );
}

function backLink({ session }: PortalView): Html {
  return html`<p><a href="/p/session/${session.id}">Go back</a></p>`;
}

export function cancelPage(view: PortalView, subscription: Stripe.Subscription): PageAnswer {
  const isNow = view.configuration.features.subscription_cancel.mode === "immediately";
  const end = dayOf(subscription.items.data[0]!.current_period_end);
  return page(
    "Cancel subscription",
    "Portal",
    html`<section><h1>Cancel your subscription</h1>
<p>${isNow ? "It ends at once." : `You keep it until ${end}.`}</p>
<form method="post" action="/p/session/${view.session.id}/cancel">
<input type="hidden" name="subscription" value="${subscription.id}">
<button class="main">Cancel subscription</button></form>${backLink(view)}</section>`,
  );
}

export function switchPage(
  view: PortalView,
  subscription: Stripe.Subscription,
  price: Stripe.Price,
  message: string | null,
): PageAnswer {
  const [item] = subscription.items.data;
  const waits = waitsForPeriodEnd(view.configuration, item!.price, price);
  const cost = view.money(switchCost(view.world, view.configuration, subscription, price), price.currency);
  const when = waits
    ? `From ${dayOf(item!.current_period_end)}. Nothing is due today.`
    : `Due today: ${cost}`;
  return page(
    "Switch plan",
    "Portal",
    html`<section><h1>Switch plan</h1>${alertOf(message)}
<p>${productName(view.world, item!.price)} → <strong>${productName(view.world, price)}</strong></p>
<p>${priceText(view, price)}</p><p class="total">${when}</p>
<form method="post" action="/p/session/${view.session.id}/switch">
<input type="hidden" name="subscription" value="${subscription.id}"><input type="hidden" name="price" value="${price.id}">
<button class="main">Confirm</button></form>${backLink(view)}</section>`,
  );
}

export function cardPage(view: PortalView, message: string | null): PageAnswer {
  return page(
    "Update card",
    "Portal",
    html`<section><h1>Update card</h1>${alertOf(message)}
<form method="post" action="/p/session/${view.session.id}/card">${cardSelect()}
<button class="main">Save card</button></form>${backLink(view)}</section>`,
  );
}
