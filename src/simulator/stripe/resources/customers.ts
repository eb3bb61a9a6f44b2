import type Stripe from "stripe";
import { createCustomer } from "../billing/catalog";
import { cancelNow } from "../billing/subscriptions";
import { createTaxId, deleteTaxId, ownTaxId, taxIdsOf } from "../billing/tax-ids";
import { emptyToNull, mergeMetadata, sentFields } from "../changes";
import { invalidRequest } from "../errors";
import { listPage } from "../lists";
import { route } from "../routes";
import type { World } from "../world";

const WRITABLE =
  "email name description phone metadata address preferred_locales tax_exempt balance " +
  "invoice_settings.default_payment_method";

const PLAIN_FIELDS = [
  "email",
  "name",
  "description",
  "phone",
  "preferred_locales",
  "tax_exempt",
  "balance",
] as const;

const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;
const COUNTRY = /^[A-Z]{2}$/;

// Stripe shows every part of an address, null where it was not given.
function addressOf(world: World, params: Stripe.CustomerUpdateParams): Partial<Stripe.Customer> {
  if (params.email && !EMAIL.test(params.email))
    throw invalidRequest(`Invalid email address: ${params.email}`, "email", "email_invalid");
  if (params.address === undefined) return {};
  const { country } = params.address || {};
  if (country && !COUNTRY.test(country))
    throw invalidRequest(`Country '${country}' is unknown.`, "address[country]", "country_code_invalid");
  if (!params.address) return { address: null };
  const parts = Object.entries(params.address).map(([part, text]) => [part, emptyToNull(text)]);
  return { address: world.build<Stripe.Address>("shared:Address", Object.fromEntries(parts)) };
}

function defaultPaymentMethod(world: World, customer: string, params: Stripe.CustomerUpdateParams): void {
  const wanted = params.invoice_settings?.default_payment_method;
  if (wanted === undefined) return;
  if (wanted) world.get("payment_method", wanted, "invoice_settings[default_payment_method]");
  world.get("customer", customer).invoice_settings.default_payment_method = wanted || null;
}

function create(params: Stripe.CustomerCreateParams, world: World): Stripe.Customer {
  if (params.test_clock) world.get("test_helpers.test_clock", params.test_clock, "test_clock");
  return createCustomer(world, {
    ...sentFields(params, ...PLAIN_FIELDS, "test_clock"),
    ...addressOf(world, params),
    metadata: mergeMetadata({}, params.metadata),
  });
}

function update(params: Stripe.CustomerUpdateParams, world: World, id: string): Stripe.Customer {
  return world.change(world.get("customer", id), "customer.updated", (customer) => {
    Object.assign(customer, sentFields(params, ...PLAIN_FIELDS), addressOf(world, params));
    customer.metadata = mergeMetadata(customer.metadata, params.metadata);
    defaultPaymentMethod(world, id, params);
  });
}

function remove(world: World, id: string): Stripe.DeletedCustomer {
  const customer = world.get("customer", id);
  for (const subscription of world.store.all("subscription")) {
    if (subscription.customer === id && subscription.status !== "canceled") cancelNow(world, subscription);
  }
  world.store.remove("customer", id);
  world.emit("customer.deleted", customer);
  return { id, object: "customer", deleted: true };
}

export const customerRoutes = [
  route<Stripe.CustomerCreateParams>("POST", "/customers", `${WRITABLE} test_clock`, (params, { world }) =>
    create(params, world),
  ),
  route("GET", "/customers/{}", "", (_, { world, ids }) => world.get("customer", ids[0]!)),
  route<Stripe.CustomerUpdateParams>("POST", "/customers/{}", WRITABLE, (params, { world, ids }) =>
    update(params, world, ids[0]!),
  ),
  route("DELETE", "/customers/{}", "", (_, { world, ids }) => remove(world, ids[0]!)),
  route<Stripe.CustomerListParams>(
    "GET",
    "/customers",
    "email created limit starting_after ending_before",
    (params, { world, path }) =>
      listPage(
        path,
        world.store.all("customer"),
        params,
        ({ email }) => !params.email || email === params.email,
      ),
  ),
  route<Stripe.CustomerListPaymentMethodsParams>(
    "GET",
    "/customers/{}/payment_methods",
    "type limit starting_after ending_before",
    (params, { world, ids, path }) => {
      world.get("customer", ids[0]!);
      const isOwn = (method: Stripe.PaymentMethod) =>
        method.customer === ids[0] && (!params.type || method.type === params.type);
      return listPage(path, world.store.all("payment_method"), params, isOwn);
    },
  ),
  route<Stripe.CustomerCreateTaxIdParams>(
    "POST",
    "/customers/{}/tax_ids",
    "type value",
    (params, { world, ids }) => createTaxId(world, ids[0]!, params),
  ),
  route<Stripe.CustomerListTaxIdsParams>(
    "GET",
    "/customers/{}/tax_ids",
    "limit starting_after ending_before",
    (params, { world, ids, path }) => {
      world.get("customer", ids[0]!);
      return listPage(path, taxIdsOf(world, ids[0]!), params);
    },
  ),
  route("GET", "/customers/{}/tax_ids/{}", "", (_, { world, ids }) => ownTaxId(world, ids[0]!, ids[1]!)),
  route("DELETE", "/customers/{}/tax_ids/{}", "", (_, { world, ids }) =>
    deleteTaxId(world, ids[0]!, ids[1]!),
  ),
];
