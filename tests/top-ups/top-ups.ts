import type { Stage } from "@tests/support/stage";
import Stripe from "stripe";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { grantCredits } from "@/server/credits/grant-credits";
import { ensureCustomer } from "@/server/stripe/customer";
import { setAutoTopUp } from "@/server/top-ups/auto-top-up";
import type { StripeSimulator } from "@/simulator/stripe/server";

export const PACK = "credits_100";
/** What most tests agree to: below 50 credits, a pack of 100 for $5.00, for at most $100.00 a month. */
export const TERMS = { enabled: true, threshold: 50, pack: PACK, monthlyCapMinor: 10_000 } as const;

/** What tests of automatic top-ups do to a stage, and what they look at. */
export function topUpStage({ tenant, owner, stripe, simulator, settled }: Stage) {
  /** Gives the tenant a card to be charged while its owner is away. */
  const keepCard = async (ctx: TenantCtx, card = "pm_card_visa") => {
    const customer = await ensureCustomer(ctx);
    const { id } = await stripe.paymentMethods.attach(card, { customer });
    await stripe.customers.update(customer, { invoice_settings: { default_payment_method: id } });
    // The news of it makes us ask Stripe: what a test counts, or lets fail, comes after.
    await settled();
  };
  /** A tenant with a card that has turned automatic top-ups on, and no credits. */
  const lowTenant = async (name: string, terms: Partial<typeof TERMS> | object = {}, card?: string) => {
    const ctx = await tenant(name);
    await keepCard(ctx, card);
    await setAutoTopUp(ctx, { ...TERMS, ...terms });
    return ctx;
  };
  const intentsOf = async (ctx: TenantCtx) =>
    (await stripe.paymentIntents.list({ customer: await ensureCustomer(ctx), limit: 100 })).data;
  /** Charges that were tried, paid or not. */
  const chargesOf = async (ctx: TenantCtx) =>
    (await stripe.charges.list({ customer: await ensureCustomer(ctx), limit: 100 })).data;
  const attemptsOf = (ctx: TenantCtx) =>
    owner`select * from top_up_attempts where tenant_id = ${ctx.tenant.id} order by order_id`;
  const ordersOf = (ctx: TenantCtx) =>
    owner`select * from orders where tenant_id = ${ctx.tenant.id} order by id`;
  const toldOf = (ctx: TenantCtx) =>
    owner`select payload from outbox where tenant_id = ${ctx.tenant.id} and type = 'credits.top_up_failed'`;
  const creditsOf = async (ctx: TenantCtx) => (await balance(ctx)).available;
  /** Whoever worked on an attempt is dead for sure. */
  const lapse = (ctx: TenantCtx) =>
    owner`update top_up_attempts set lease_ends_at = clock_timestamp() where tenant_id = ${ctx.tenant.id}`;
  /** Whether cron would look at the tenant now. */
  const isDue = async (ctx: TenantCtx) => {
    const rows = await owner`select tenant_id from top_ups_due(${ctx.now()}, '', 1000)`;
    return rows.some((row) => row.tenant_id === ctx.tenant.id);
  };
  const give = (ctx: TenantCtx, amount: number, source: string) =>
    grantCredits(ctx, { amount, kind: "promo", source });
  return {
    keepCard,
    lowTenant,
    intentsOf,
    chargesOf,
    attemptsOf,
    ordersOf,
    toldOf,
    creditsOf,
    lapse,
    isDue,
    give,
    dyingStripe: (request: number, moment: "before" | "after") => dying(simulator, request, moment),
    sleepyStripe: (request: number) => sleepy(simulator, request),
    impatientStripe: (onRequest: () => void) => impatient(simulator, onRequest),
  };
}

/** Longer than any test runs. */
const FOREVER_MS = 1_000_000_000;

/** A client without retries of its own that `send`s every request through the given function. */
function clientOf(
  { url }: StripeSimulator,
  through: (send: () => Promise<Response>) => Promise<Response>,
  timeout = FOREVER_MS,
): Stripe {
  const { hostname: host, port } = new URL(url);
  return new Stripe("sk_test_sim_billing", {
    host,
    port,
    protocol: "http",
    maxNetworkRetries: 0,
    timeout,
    httpClient: Stripe.createFetchHttpClient((...args: Parameters<typeof fetch>) =>
      through(() => fetch(...args)),
    ),
  });
}

/** Its process dies at the nth request: right before it is sent, or when the answer has come. */
function dying(simulator: StripeSimulator, request: number, moment: "before" | "after") {
  const died = signal();
  let sent = 0;
  const never = () => {
    died.give();
    return new Promise<Response>(() => {});
  };
  const stripe = clientOf(simulator, async (send) => {
    sent += 1;
    if (sent !== request) return send();
    if (moment === "after") await send();
    return never();
  });
  return { stripe, died: died.given };
}

/** Its process falls asleep before the nth request, until it is woken. */
function sleepy(simulator: StripeSimulator, request: number) {
  const asleep = signal();
  const woken = signal();
  let sent = 0;
  const stripe = clientOf(simulator, async (send) => {
    sent += 1;
    if (sent === request) {
      asleep.give();
      await woken.given;
    }
    return send();
  });
  return { stripe, asleep: asleep.given, wake: woken.give };
}

/** Says what happens before each request, and does not wait long for an answer. */
function impatient(simulator: StripeSimulator, onRequest: () => void): Stripe {
  const through = (send: () => Promise<Response>) => {
    onRequest();
    return send();
  };
  return clientOf(simulator, through, 300);
}

function signal(): { given: Promise<void>; give: () => void } {
  let give = () => {};
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { given, give: () => give() };
}
