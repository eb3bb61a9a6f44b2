import type Stripe from "stripe";
import { invalidRequest, noSuch } from "../errors";
import type { World } from "../world";

type Verification = NonNullable<Stripe.TaxId.Verification>["status"];

/** How numbers of these kinds are written; of any other kind, some letters and digits are enough. */
const FORMS: Record<string, RegExp> = {
  eu_vat: /^([A-Z]{2}[0-9A-Z+*]{8,12}|0{9}|1{9}|2{9})$/,
  gb_vat: /^GB(\d{9}|\d{12}|GD\d{3}|HA\d{3})$/,
  ch_vat: /^CHE\d{9}(MWST|TVA|IVA)?$/,
  no_vat: /^\d{9}(MVA)?$/,
  us_ein: /^\d{9}$/,
  ca_bn: /^\d{9}$/,
  ca_gst_hst: /^\d{9}RT\d{4}$/,
  au_abn: /^\d{11}$|^(0{9}|1{9}|2{9})$/,
  nz_gst: /^\d{8,9}$/,
  in_gst: /^\d{2}[A-Z]{5}\d{4}[A-Z][0-9A-Z]Z[0-9A-Z]$/,
  br_cnpj: /^\d{14}$/,
  jp_trn: /^T?\d{13}$/,
};
const ANY = /^[0-9A-Z]{4,30}$/;
/** Kinds that Stripe looks up; these values have a known outcome in its test mode. */
const LOOKED_UP: ReadonlySet<string> = new Set(["eu_vat", "gb_vat", "au_abn"]);
const KNOWN_OUTCOMES: Record<string, Verification> = { "111111111": "unverified", "222222222": "pending" };

/** @throws StripeApiError 400 `tax_id_invalid` */
export function createTaxId(
  world: World,
  customer: string,
  { type, value }: Stripe.CustomerCreateTaxIdParams,
): Stripe.TaxId {
  world.get("customer", customer);
  const number = value.replace(/[\s./-]/g, "").toUpperCase();
  if (!(FORMS[type] ?? ANY).test(number))
    throw invalidRequest(`Invalid value for ${type}.`, "value", "tax_id_invalid");
  const status: Verification = LOOKED_UP.has(type) ? (KNOWN_OUTCOMES[number] ?? "verified") : "unavailable";
  const country = type === "eu_vat" && /^[A-Z]/.test(number) ? number.slice(0, 2) : type.slice(0, 2);
  const taxId = world.create("tax_id", {
    customer,
    owner: { type: "customer", customer, customer_account: null },
    country: country === "eu" ? null : country.toUpperCase(),
    type,
    value: number,
    verification: { status, verified_address: null, verified_name: null },
  });
  world.emit("customer.tax_id.created", taxId);
  return taxId;
}

/** The customer's own, newest first. */
export function taxIdsOf(world: World, customer: string): Stripe.TaxId[] {
  return world.store.all("tax_id").filter((each) => each.customer === customer);
}

/** @throws StripeApiError 404 for another customer's */
export function deleteTaxId(world: World, customer: string, id: string): Stripe.DeletedTaxId {
  const taxId = ownTaxId(world, customer, id);
  world.store.remove("tax_id", id);
  world.emit("customer.tax_id.deleted", taxId);
  return { id, object: "tax_id", deleted: true };
}

/** @throws StripeApiError 404 for another customer's */
export function ownTaxId(world: World, customer: string, id: string): Stripe.TaxId {
  world.get("customer", customer);
  const taxId = taxIdsOf(world, customer).find((each) => each.id === id);
  if (!taxId) throw noSuch("tax_id", id);
  return taxId;
}
