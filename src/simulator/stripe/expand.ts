import type Stripe from "stripe";
import { wireCopy } from "./changes";
import { invalidRequest } from "./errors";
import { listBody } from "./lists";
import type { World } from "./world";

type Plain = Record<string, unknown>;

const MAX_DEPTH = 4;

/** Properties that Stripe leaves out unless they are asked for. */
function includable(world: World, owner: Plain, property: string): unknown {
  const id = owner.id as string;
  switch (`${String(owner.object)}.${property}`) {
    case "checkout.session.line_items": {
      const { lineItems = [] } = world.store.hidden("checkout.session", id);
      return listBody(`/v1/checkout/sessions/${id}/line_items`, lineItems);
    }
    case "coupon.applies_to": {
      const { products } = world.store.hidden("coupon", id);
      return products ? { products } : null;
    }
    case "invoice.payments": {
      const payments = world.store.all("invoice_payment").filter((payment) => payment.invoice === id);
      return listBody(`/v1/invoice_payments?invoice=${id}`, payments);
    }
    case "charge.refunds": {
      const refunds = world.store.all("refund").filter((refund) => refund.charge === id);
      return listBody(`/v1/charges/${id}/refunds`, refunds);
    }
    case "customer.subscriptions": {
      const isLive = (each: Stripe.Subscription) => each.customer === id && each.status !== "canceled";
      return listBody(`/v1/customers/${id}/subscriptions`, world.store.all("subscription").filter(isLive));
    }
    case "customer.tax_ids": {
      const taxIds = world.store.all("tax_id").filter((taxId) => taxId.customer === id);
      return listBody(`/v1/customers/${id}/tax_ids`, taxIds);
    }
    default:
      return undefined;
  }
}

function expandProperty(world: World, owner: Plain, property: string, path: string): void {
  const value = owner[property];
  if (Array.isArray(value)) {
    owner[property] = value.map((each) => (typeof each === "string" ? targetOf(world, each, path) : each));
  } else if (typeof value === "string") {
    const target = property === "id" ? undefined : world.store.findAny(value);
    if (!target) throw cannotExpand(property, path);
    owner[property] = wireCopy(target);
  } else if (value === undefined) {
    const included = includable(world, owner, property);
    if (included === undefined) throw cannotExpand(property, path);
    // It could be there, and this one has none.
    if (included === null) return;
    owner[property] = wireCopy(included);
  }
}

function targetOf(world: World, id: string, path: string): unknown {
  const target = world.store.findAny(id);
  if (!target) throw cannotExpand(id, path);
  return wireCopy(target);
}

function cannotExpand(property: string, path: string) {
  return invalidRequest(`This property cannot be expanded (${property}) in ${path}.`, "expand");
}

function walk(world: World, value: unknown, parts: string[], path: string): void {
  const [property, ...rest] = parts;
  if (property === undefined || value === null) return;
  if (Array.isArray(value)) {
    for (const element of value) walk(world, element, parts, path);
    return;
  }
  if (typeof value !== "object") throw cannotExpand(property, path);
  const owner = value as Plain;
  expandProperty(world, owner, property, path);
  walk(world, owner[property], rest, path);
}

/**
 * A copy of an answer with the wanted ids replaced by their objects.
 * @throws StripeApiError 400 for a path that leads nowhere or is deeper than four levels.
 */
export function expand<T>(world: World, body: T, paths: string[] = []): T {
  const copy = wireCopy(body);
  for (const path of paths) {
    const parts = path.split(".");
    const depth = parts.filter((part) => part !== "data").length;
    if (depth > MAX_DEPTH) throw invalidRequest(`You cannot expand more than ${MAX_DEPTH} levels.`, "expand");
    walk(world, copy, parts, path);
  }
  return copy;
}
