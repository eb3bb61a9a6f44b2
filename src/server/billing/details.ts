import Stripe from "stripe";
import { countryName } from "@/lib/countries";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { audit } from "../events/service";
import { parseInput } from "../parse";
import { ensureCustomer, knownCustomer, retireCustomer } from "../stripe/customer";
import { asProviderError, isMissingAtStripe } from "../stripe/stripe-client";
import { inTurn } from "../stripe/turn";
import {
  type AddTaxIdInput,
  addTaxIdInput,
  type TaxIdInput,
  taxIdInput,
  type UpdateDetailsInput,
  updateDetailsInput,
} from "./inputs";

export interface TaxIdView {
  /** `txi_…` */
  id: string;
  /** Stripe's word: `eu_vat`. */
  type: string;
  value: string;
  /** What the country's register says: `verified`, `unverified`, `pending`, or `unavailable` where there is none to ask. */
  verification: string;
}

/** Whom invoices are for. Stripe keeps it, and prints it on each invoice that becomes final from then on. */
export interface BillingDetails {
  name: string | null;
  /** Where Stripe sends what it mails. */
  email: string | null;
  address: {
    line1: string;
    line2: string;
    city: string;
    state: string;
    postalCode: string;
    /** ISO 3166-1: `DE`. */
    country: string;
    countryName: string;
  } | null;
  taxIds: TaxIdView[];
}

/** An invoice has room for no more. */
const MAX_TAX_IDS = 5;
const NOBODY: BillingDetails = { name: null, email: null, address: null, taxIds: [] };

/** Whom the workspace's invoices are for; all empty before anything was bought. @throws AppError PAYMENT_PROVIDER */
export async function billingDetails(ctx: TenantCtx): Promise<BillingDetails> {
  const customer = await knownCustomer(ctx);
  if (!customer) return NOBODY;
  try {
    return await detailsOf(ctx, customer);
  } catch (error) {
    if (isMissingAtStripe(error)) return NOBODY;
    throw asProviderError(error);
  }
}

/** Says whom invoices are for from now on. @throws AppError INVALID_INPUT for what Stripe refuses, PAYMENT_PROVIDER, BUSY */
export async function updateDetails(ctx: TenantCtx, input: UpdateDetailsInput): Promise<BillingDetails> {
  const { name, email, address } = parseInput(updateDetailsInput, input);
  const { postalCode: postal_code, ...rest } = address ?? { postalCode: "" };
  return withCustomer(ctx, async (customer) => {
    await told(ctx, "billing.details_changed", customer);
    await ctx.stripe.customers.update(customer, {
      name,
      email,
      address: address ? { ...rest, postal_code } : "",
    });
  });
}

/**
 * Adds a tax number to what invoices say. The same one again changes nothing.
 * @throws AppError INVALID_INPUT with Stripe's `tax_id_invalid` in its hint, CONFLICT for the sixth, PAYMENT_PROVIDER, BUSY
 */
export async function addTaxId(ctx: TenantCtx, input: AddTaxIdInput): Promise<BillingDetails> {
  const { type, value } = parseInput(addTaxIdInput, input);
  return withCustomer(ctx, async (customer) => {
    const { taxIds } = await detailsOf(ctx, customer);
    if (taxIds.some((known) => known.type === type && plain(known.value) === plain(value))) return;
    if (taxIds.length >= MAX_TAX_IDS)
      throw new AppError("CONFLICT", `An invoice shows no more than ${MAX_TAX_IDS} tax IDs.`);
    await told(ctx, "tax_id.added", type);
    await ctx.stripe.customers.createTaxId(customer, { type, value });
  });
}

/** @throws AppError NOT_FOUND for one that is not the workspace's, PAYMENT_PROVIDER, BUSY */
export async function removeTaxId(ctx: TenantCtx, input: TaxIdInput): Promise<BillingDetails> {
  const { id } = parseInput(taxIdInput, input);
  const { taxIds } = await billingDetails(ctx);
  if (!taxIds.some((known) => known.id === id)) throw noSuchTaxId();
  return withCustomer(ctx, async (customer) => {
    await told(ctx, "tax_id.removed", id);
    await ctx.stripe.customers.deleteTaxId(customer, id);
  });
}

const noSuchTaxId = () => new AppError("NOT_FOUND", "There is no such tax ID.");
const plain = (value: string) => value.replace(/[\s./-]/g, "").toUpperCase();

/** Does it with the turn, so that two at once don't both add the same. A customer that is gone at Stripe gets a successor. */
async function withCustomer(
  ctx: TenantCtx,
  work: (customer: string) => Promise<void>,
  isSecondTry = false,
): Promise<BillingDetails> {
  const customer = await ensureCustomer(ctx);
  try {
    await inTurn(ctx, () => work(customer));
    return await detailsOf(ctx, customer);
  } catch (error) {
    if (!isMissingAtStripe(error)) throw refusal(error);
    if (isSecondTry) throw noSuchTaxId();
    await retireCustomer(ctx, customer);
    return withCustomer(ctx, work, true);
  }
}

const REFUSED: readonly [part: RegExp, message: string][] = [
  [/^(value|type)/, "This is not a valid tax ID of its kind."],
  [/^email/, "This is not a valid mail address."],
  [/^(address|name)/, "This address is not accepted."],
];

/** What Stripe does not accept of what was typed is no breakdown. The hint holds its code and the field, never the value. */
function refusal(error: unknown): unknown {
  if (!(error instanceof Stripe.errors.StripeInvalidRequestError)) return asProviderError(error);
  const { code = "", param = "" } = error;
  const [, message] = REFUSED.find(([part]) => part.test(code === "tax_id_invalid" ? "value" : param)) ?? [];
  if (!message) return asProviderError(error);
  return new AppError("INVALID_INPUT", message, { hint: `${code} ${param}`.trim(), cause: error });
}

async function detailsOf(ctx: TenantCtx, id: string): Promise<BillingDetails> {
  const [customer, { data }] = await Promise.all([
    ctx.stripe.customers.retrieve(id),
    ctx.stripe.customers.listTaxIds(id, { limit: 100 }),
  ]);
  if (customer.deleted) return NOBODY;
  const { name = null, email, address } = customer;
  return { name, email, address: address ? addressView(address) : null, taxIds: data.map(taxIdView) };
}

function addressView({ line1, line2, city, state, postal_code, country }: Stripe.Address) {
  return {
    line1: line1 ?? "",
    line2: line2 ?? "",
    city: city ?? "",
    state: state ?? "",
    postalCode: postal_code ?? "",
    country: country ?? "",
    countryName: country ? countryName(country) : "",
  };
}

function taxIdView({ id, type, value, verification }: Stripe.TaxId): TaxIdView {
  return { id, type, value, verification: verification?.status ?? "unavailable" };
}

/** Who did it, before it is done; what was typed stays at Stripe. */
function told(ctx: TenantCtx, action: string, subject: string): Promise<void> {
  return inTenant(ctx, (_tx, inner) => audit(inner, { action, subject }));
}
