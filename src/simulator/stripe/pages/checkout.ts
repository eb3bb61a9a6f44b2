import type Stripe from "stripe";
import { isPageCard } from "../billing/cards";
import { authenticateCheckout, type CheckoutChoice, needsCard, payCheckout } from "../billing/checkout";
import { applyDiscount, sessionDiscounts } from "../billing/checkout-totals";
import { choiceOf as choiceOfCode, findCode } from "../billing/coupons";
import { formatMinor } from "../billing/money";
import { AUTHENTICATION_FAILURE_MESSAGE, DECLINE, type PaymentOutcome } from "../billing/payments";
import { StripeApiError } from "../errors";
import type { World } from "../world";
import {
  alertOf,
  authenticationPage,
  cardSelect,
  type Html,
  html,
  notFound,
  type PageAnswer,
  page,
} from "./html";

type Session = Stripe.Checkout.Session;

function lines(world: World, session: Session): Html[] {
  const { lineItems = [] } = world.store.hidden("checkout.session", session.id);
  return lineItems.map((line) => {
    const { recurring } = line.price ?? {};
    const every =
      recurring && recurring.interval_count > 1
        ? `${recurring.interval_count} ${recurring.interval}s`
        : recurring?.interval;
    const amount = formatMinor(line.amount_subtotal, line.currency);
    return html`<tr><th scope="row">${line.description ?? "Item"}<br><span class="dim">Quantity ${line.quantity ?? 1}</span></th>
<td>${amount}${every ? html`<br><span class="dim">every ${every}</span>` : null}</td></tr>`;
  });
}

function taxLine(session: Session): Html | null {
  const tax = session.total_details?.amount_tax ?? 0;
  if (tax === 0) return null;
  return html`<tr><th scope="row">Tax</th><td>${formatMinor(tax, session.currency ?? "usd")}</td></tr>`;
}

function discountLine(session: Session): Html | null {
  const off = session.total_details?.amount_discount ?? 0;
  if (off === 0) return null;
  return html`<tr><th scope="row">Discount</th><td>${formatMinor(-off, session.currency ?? "usd")}</td></tr>`;
}

function codeForm(world: World, session: Session): Html | null {
  if (!session.allow_promotion_codes) return null;
  const [applied] = sessionDiscounts(world, session);
  if (applied) return html`<p>Promotion code: <strong>${applied.promotionCode?.code ?? ""}</strong></p>`;
  return html`<form method="post" action="/c/pay/${session.id}">
<label>Promotion code <input name="promotion_code" autocomplete="off" required></label>
<button name="action" value="apply">Apply</button></form>`;
}

function applyCode(world: World, session: Session, form: URLSearchParams): PageAnswer {
  const code = session.allow_promotion_codes ? findCode(world, form.get("promotion_code") ?? "") : undefined;
  if (!code) return openPage(world, session, "This code is invalid.");
  try {
    applyDiscount(world, session, choiceOfCode(world, { promotion_code: code.id }));
  } catch (error) {
    if (!(error instanceof StripeApiError)) throw error;
    return openPage(world, session, error.message);
  }
  return { status: 303, location: `/c/pay/${session.id}` };
}

function emailField(world: World, session: Session, typed: string): Html {
  const customer = session.customer ? world.store.find("customer", session.customer as string) : undefined;
  const known = customer?.email ?? session.customer_email;
  if (known) return html`<p>E-mail: <strong>${known}</strong></p>`;
  return html`<label>E-mail <input type="email" name="email" value="${typed}" autocomplete="email" required></label>`;
}

function payWord(session: Session): string {
  if (session.mode === "setup") return "Save card";
  return (session.amount_total ?? 0) > 0 ? "Pay" : "Start";
}

function paymentForm(world: World, session: Session, email: string): Html {
  const isPaid = (session.amount_total ?? 0) > 0;
  const asksForCard = needsCard(session);
  const later = html`<label>When
<select name="timing">
<option value="now">Pays now</option>
<option value="later_succeeds">Confirmed after three days</option>
<option value="later_fails">Fails after three days</option>
</select></label>`;
  return html`<form method="post" action="/c/pay/${session.id}">
${emailField(world, session, email)}
${asksForCard ? cardSelect() : null}
${session.mode === "payment" && isPaid ? later : null}
<button class="main" name="action" value="pay" aria-label="Pay">${payWord(session)}</button>
</form>`;
}

function cancelForm(session: Session): Html | null {
  if (!session.cancel_url) return null;
  return html`<form method="post" action="/c/pay/${session.id}" novalidate>
<button name="action" value="cancel">Cancel and go back</button></form>`;
}

function orderSection(world: World, session: Session): Html {
  const total = formatMinor(session.amount_total ?? 0, session.currency ?? "usd");
  const { subscriptionData, trialEnd } = world.store.hidden("checkout.session", session.id);
  const days = subscriptionData?.trial_period_days;
  return html`<section aria-label="Order"><table>${lines(world, session)}${discountLine(session)}${taxLine(session)}</table>
<p class="dim">Due today</p><p class="total">${total}</p>
${days ? html`<p class="dim">Free for ${days} days</p>` : null}
${trialEnd ? html`<p class="dim">Free until ${new Date(trialEnd * 1_000).toISOString().slice(0, 10)}</p>` : null}</section>`;
}

function openPage(world: World, session: Session, message: string | null, email = ""): PageAnswer {
  return page(
    "Checkout",
    "Checkout",
    html`<h1>Checkout</h1>
${session.mode === "setup" ? null : orderSection(world, session)}
<section aria-label="Payment">${alertOf(message)}${codeForm(world, session)}${paymentForm(world, session, email)}${cancelForm(session)}</section>`,
  );
}

function closedPage(session: Session): PageAnswer {
  const isComplete = session.status === "complete";
  const back = isComplete ? successUrl(session) : session.cancel_url;
  return page(
    "Checkout",
    "Checkout",
    html`<section><h1>${isComplete ? "This checkout is complete" : "This checkout has expired"}</h1>
<p role="status">${isComplete ? "It was already paid. Nothing more is charged." : "Go back and start again."}</p>
${back ? html`<a class="button" href="${back}">Return to the site</a>` : null}</section>`,
  );
}

function successUrl(session: Session): string {
  return (session.success_url ?? "/").replaceAll("{CHECKOUT_SESSION_ID}", session.id);
}

function answerTo(
  world: World,
  session: Session,
  outcome: PaymentOutcome,
  message: string,
  email: string | null = null,
): PageAnswer {
  if (outcome === "succeeded") return { status: 303, location: successUrl(session) };
  if (outcome === "requires_action") return { status: 303, location: `/c/pay/${session.id}/authenticate` };
  return openPage(world, session, message, email ?? "");
}

function choiceOf(world: World, session: Session, form: URLSearchParams): CheckoutChoice {
  const card = form.get("card") ?? "success";
  const timing = form.get("timing");
  const customer = session.customer ? world.store.find("customer", session.customer as string) : undefined;
  const email = customer?.email ?? session.customer_email ?? (form.get("email")?.trim() || null);
  return {
    card: isPageCard(card) ? card : "declined",
    email,
    ...(timing === "later_succeeds" ? { async: "succeeds" as const } : {}),
    ...(timing === "later_fails" ? { async: "fails" as const } : {}),
  };
}

function pay(world: World, session: Session, choice: CheckoutChoice): PageAnswer {
  try {
    return answerTo(world, session, payCheckout(world, session, choice), DECLINE.message, choice.email);
  } catch (error) {
    // Somebody else redeemed the last of a code.
    if (!(error instanceof StripeApiError)) throw error;
    return openPage(world, session, error.message, choice.email ?? "");
  }
}

/** The hosted checkout page. @returns null for paths that are not its own. */
export function checkoutPage(
  world: World,
  method: string,
  path: string,
  form: URLSearchParams,
): PageAnswer | null {
  const [, id, step] = path.match(/^\/c\/pay\/([^/]+)(\/authenticate)?$/) ?? [];
  if (!id) return null;
  const session = world.store.find("checkout.session", id);
  if (!session) return notFound("Checkout");
  const isPost = method === "POST";
  if (session.status !== "open") {
    const repeats = isPost && session.status === "complete";
    return repeats ? { status: 303, location: successUrl(session) } : closedPage(session);
  }
  if (step) {
    if (!isPost) return authenticationPage("Checkout", path);
    const outcome = authenticateCheckout(world, session, form.get("outcome") === "complete");
    return answerTo(world, session, outcome, AUTHENTICATION_FAILURE_MESSAGE);
  }
  if (!isPost) return openPage(world, session, null);
  if (form.get("action") === "cancel") return { status: 303, location: session.cancel_url ?? "/" };
  if (form.get("action") === "apply") return applyCode(world, session, form);
  return pay(world, session, choiceOf(world, session, form));
}
