import type Stripe from "stripe";
import { isPageCard } from "../billing/cards";
import { formatMinor } from "../billing/money";
import {
  authenticateCard,
  CARD_MESSAGES,
  cancelPlan,
  configurationOf,
  managedSubscriptions,
  offeredPrices,
  resumePlan,
  switchPlan,
  updateCard,
} from "../billing/portal";
import { StripeApiError } from "../errors";
import type { World } from "../world";
import { authenticationPage, notFound, type PageAnswer } from "./html";
import { cancelPage, cardPage, homePage, type PortalView, switchPage } from "./portal-views";

type Flow = Stripe.BillingPortal.Session.Flow;

const back = (session: Stripe.BillingPortal.Session): PageAnswer => ({
  status: 303,
  location: `/p/session/${session.id}`,
});

/** A session opened for one task starts there, until the task is done. */
function flowPath(session: Stripe.BillingPortal.Session, flow: Flow): string {
  const base = `/p/session/${session.id}`;
  const confirm = flow.subscription_update_confirm;
  if (flow.type === "payment_method_update") return `${base}/card`;
  if (flow.subscription_cancel) return `${base}/cancel?subscription=${flow.subscription_cancel.subscription}`;
  if (confirm)
    return `${base}/switch?subscription=${confirm.subscription}&price=${confirm.items[0]?.price ?? ""}`;
  return base;
}

function finished(view: PortalView): PageAnswer {
  const { session, world } = view;
  const hidden = world.store.hidden("billing_portal.session", session.id);
  const redirect = session.flow?.after_completion.redirect;
  const isFirst = session.flow !== null && !hidden.flowUsed;
  hidden.flowUsed = true;
  return isFirst && redirect ? { status: 303, location: redirect.return_url } : back(session);
}

function chosenPrice(view: PortalView, form: URLSearchParams): Stripe.Price | undefined {
  const subscription = chosenSubscription(view, form);
  if (!subscription) return undefined;
  const offered = offeredPrices(view.world, view.configuration, subscription);
  return offered.find((price) => price.id === form.get("price"));
}

function chosenSubscription(
  { world, session }: PortalView,
  form: URLSearchParams,
): Stripe.Subscription | undefined {
  return managedSubscriptions(world, session.customer).find((each) => each.id === form.get("subscription"));
}

function submitSwitch(view: PortalView, form: URLSearchParams): PageAnswer {
  const subscription = chosenSubscription(view, form);
  const price = chosenPrice(view, form);
  if (!subscription || !price) return back(view.session);
  try {
    switchPlan(view.world, view.configuration, subscription, price);
  } catch (error) {
    if (!(error instanceof StripeApiError) || error.status !== 402) throw error;
    return switchPage(view, subscription, price, error.message);
  }
  return finished(view);
}

function submitCard(view: PortalView, form: URLSearchParams): PageAnswer {
  const card = form.get("card") ?? "";
  const outcome = updateCard(view.world, view.session, isPageCard(card) ? card : "declined");
  if (outcome === "succeeded") return finished(view);
  if (outcome === "declined") return cardPage(view, CARD_MESSAGES.declined);
  return { status: 303, location: `/p/session/${view.session.id}/card/authenticate` };
}

function submit(view: PortalView, step: string, form: URLSearchParams): PageAnswer {
  const subscription = chosenSubscription(view, form);
  const { features } = view.configuration;
  if (step === "/card" && features.payment_method_update.enabled) return submitCard(view, form);
  if (step === "/card/authenticate") {
    const outcome = authenticateCard(view.world, view.session, form.get("outcome") === "complete");
    return outcome === "succeeded" ? finished(view) : cardPage(view, CARD_MESSAGES.authentication);
  }
  if (step === "/switch") return submitSwitch(view, form);
  if (!subscription || !features.subscription_cancel.enabled) return back(view.session);
  if (step === "/cancel") cancelPlan(view.world, view.configuration, subscription);
  if (step === "/resume") resumePlan(view.world, subscription);
  return finished(view);
}

function show(view: PortalView, step: string, path: string, form: URLSearchParams): PageAnswer {
  const { session, world } = view;
  const subscription = chosenSubscription(view, form);
  const price = chosenPrice(view, form);
  if (step === "/card") return cardPage(view, null);
  if (step === "/card/authenticate") return authenticationPage("Portal", path);
  if (step === "/cancel" && subscription) return cancelPage(view, subscription);
  if (step === "/switch" && subscription && price) return switchPage(view, subscription, price, null);
  if (step !== "") return back(session);
  const { flowUsed } = world.store.hidden("billing_portal.session", session.id);
  if (session.flow && !flowUsed) {
    const location = flowPath(session, session.flow);
    if (location !== path) return { status: 303, location };
  }
  return homePage(view);
}

/** The billing portal. @returns null for paths that are not its own. */
export function portalPage(
  world: World,
  method: string,
  path: string,
  form: URLSearchParams,
): PageAnswer | null {
  const [, id, step = ""] = path.match(/^\/p\/session\/([^/]+)(\/[a-z/]+)?$/) ?? [];
  if (!id) return null;
  const session = world.store.find("billing_portal.session", id);
  if (!session || !world.store.find("customer", session.customer)) return notFound("Portal");
  const view: PortalView = {
    world,
    session,
    configuration: configurationOf(world, session),
    money: formatMinor,
  };
  return method === "POST" ? submit(view, step, form) : show(view, step, path, form);
}
