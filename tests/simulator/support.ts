import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import Stripe from "stripe";
import { expect } from "vitest";
import {
  type StripeSimulator,
  type StripeSimulatorOptions,
  startStripeSimulator,
} from "@/simulator/stripe/server";

export const SCHEMA_DIR = path.resolve(".data/stripe-schemas");
export const SUCCESS_URL = "http://127.0.0.1:1/done?session={CHECKOUT_SESSION_ID}";
export const CANCEL_URL = "http://127.0.0.1:1/plans";
const DAY_MS = 86_400_000;

/** The UTC day of an instant in unix seconds: `2027-01-31`. */
export const isoDay = (unix: number): string => new Date(unix * 1000).toISOString().slice(0, 10);

/** stripe-node, talking to a simulator. */
export function clientOf({ port }: StripeSimulator, options: Partial<Stripe.StripeConfig> = {}): Stripe {
  return new Stripe("sk_test_sim_tests", {
    host: "127.0.0.1",
    port,
    protocol: "http",
    maxNetworkRetries: 0,
    ...options,
  });
}

/** A simulated Stripe, a client and what tests do to both. */
export class Scene {
  private constructor(
    readonly sim: StripeSimulator,
    readonly stripe: Stripe,
  ) {}

  static async start(options: Partial<StripeSimulatorOptions> = {}): Promise<Scene> {
    const sim = await startStripeSimulator({ schemaDir: SCHEMA_DIR, seed: "tests", ...options });
    return new Scene(sim, clientOf(sim));
  }

  /** Fails when anything sent broke Stripe's schemas. */
  async end(): Promise<void> {
    await this.sim.close();
    expect(this.sim.violations).toEqual([]);
  }

  async customer(): Promise<Stripe.Customer> {
    return this.stripe.customers.create({ email: "ada@example.com", metadata: { tenant: "ten_1" } });
  }

  async price(
    amount: number,
    interval: "month" | "year" | null = "month",
    name = "Pro",
  ): Promise<Stripe.Price> {
    const product = await this.stripe.products.create({ name });
    return this.stripe.prices.create({
      product: product.id,
      currency: "usd",
      unit_amount: amount,
      ...(interval ? { recurring: { interval } } : {}),
    });
  }

  /** A customer with a default card. */
  async payer(token = "pm_card_visa"): Promise<Stripe.Customer> {
    const { id } = await this.customer();
    const method = await this.stripe.paymentMethods.attach(token, { customer: id });
    return this.stripe.customers.update(id, { invoice_settings: { default_payment_method: method.id } });
  }

  async checkout(fields: Partial<Stripe.Checkout.SessionCreateParams>): Promise<Stripe.Checkout.Session> {
    return this.stripe.checkout.sessions.create({
      mode: "subscription",
      success_url: SUCCESS_URL,
      cancel_url: CANCEL_URL,
      ...fields,
    });
  }

  /** A running subscription of a customer who can pay. */
  async subscribe(
    amount = 2000,
    fields: Partial<Stripe.SubscriptionCreateParams> = {},
  ): Promise<Stripe.Subscription> {
    const [price, customer] = [await this.price(amount), await this.payer()];
    return this.stripe.subscriptions.create({
      customer: customer.id,
      items: [{ price: price.id }],
      ...fields,
    });
  }

  async statusOf(subscription: string): Promise<string> {
    return (await this.stripe.subscriptions.retrieve(subscription)).status;
  }

  /** A subscription's invoices, oldest first: reason, status and amount due. */
  async invoicesOf(subscription: string): Promise<string[]> {
    const { data } = await this.stripe.invoices.list({ subscription });
    return data.map((each) => `${each.billing_reason} ${each.status} ${each.amount_due}`).reverse();
  }

  /** Submits a form of a hosted page, as the browser would, without following the redirect. */
  async submit(url: string, fields: Record<string, string>): Promise<Response> {
    const absolute = new URL(url, this.sim.url);
    return fetch(absolute, { method: "POST", body: new URLSearchParams(fields), redirect: "manual" });
  }

  async text(url: string): Promise<string> {
    return (await fetch(new URL(url, this.sim.url))).text();
  }

  async advanceDays(days: number): Promise<void> {
    await this.sim.control.advanceTo(new Date(this.sim.control.now().getTime() + days * DAY_MS));
  }

  eventTypes(prefix = ""): string[] {
    return this.sim.events.map((event) => event.type).filter((type) => type.startsWith(prefix));
  }

  lastEvent(type: string): Stripe.Event {
    const event = this.sim.events.findLast((each) => each.type === type);
    if (!event) throw new Error(`No ${type} among ${this.eventTypes().join(", ")}`);
    return event;
  }
}

/** A webhook endpoint that verifies signatures with stripe-node and answers what it is told. */
export class Receiver {
  readonly events: Stripe.Event[] = [];
  readonly badSignatures: string[] = [];
  /** Statuses of the next answers; 200 when there are none. */
  readonly nextStatuses: number[] = [];
  private readonly verifier = new Stripe("sk_test_sim_verifier");

  private constructor(
    private readonly server: Server,
    readonly secret: string,
  ) {}

  static async start(secret = "whsec_tests"): Promise<Receiver> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const signature = String(request.headers["stripe-signature"]);
        const status = receiver.take(Buffer.concat(chunks).toString(), signature);
        response.writeHead(status).end();
      });
    });
    const receiver = new Receiver(server, secret);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/hooks`;
  }

  /** Verifies a delivery and says what to answer. */
  private take(payload: string, signature: string): number {
    const status = this.nextStatuses.shift() ?? 200;
    try {
      const event = this.verifier.webhooks.constructEvent(payload, signature, this.secret);
      if (status === 200) this.events.push(event);
    } catch (error) {
      this.badSignatures.push(String(error));
    }
    return status;
  }

  get types(): string[] {
    return this.events.map((event) => event.type);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** The error a call to Stripe ends with. */
export async function stripeError(call: Promise<unknown>): Promise<Stripe.errors.StripeError> {
  const outcome = await call.then(
    () => new Error("The call succeeded"),
    (error: unknown) => error,
  );
  if (outcome instanceof Stripe.errors.StripeError) return outcome;
  throw outcome;
}
