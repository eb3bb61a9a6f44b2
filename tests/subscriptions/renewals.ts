import type { Stage } from "@tests/support/stage";
import type Stripe from "stripe";
import { afterEach } from "vitest";
import type { TenantCtx } from "@/server/context";
import { ensureCustomer } from "@/server/stripe/customer";
import { syncCustomer } from "@/server/sync/sync";

/** Subscriptions whose renewal fails, made without a hosted page and without webhooks: many of them cost little. */
export function renewalsOf({ stripe, simulator, tenant, clock, advance, settled }: Stage) {
  const left: TenantCtx[] = [];
  const silently = async <T>(work: () => Promise<T>): Promise<T> => {
    simulator.control.setMode({ drop: ["*"] });
    try {
      return await work();
    } finally {
      simulator.control.setMode({ drop: [] });
    }
  };
  const subscriptionAt = async (of: TenantCtx) =>
    (await stripe.subscriptions.list({ customer: await ensureCustomer(of), status: "all" })).data[0]!;
  const invoicesAt = async (of: TenantCtx) =>
    (await stripe.invoices.list({ customer: await ensureCustomer(of) })).data;
  const cardOf = async (of: TenantCtx, token: string) =>
    (await stripe.paymentMethods.attach(token, { customer: await ensureCustomer(of) })).id;
  const goodCard = (of: TenantCtx) => cardOf(of, "pm_card_visa");

  /** On Pro, by a card that pays once. */
  const subscribed = async (name: string): Promise<TenantCtx> => {
    const of = await tenant(name);
    left.push(of);
    const [price] = (await stripe.prices.list({ lookup_keys: ["pro@1:month"] })).data;
    const { id } = await stripe.subscriptions.create({
      customer: await ensureCustomer(of),
      items: [{ price: price!.id }],
      default_payment_method: await goodCard(of),
    });
    const bad = await cardOf(of, "pm_card_chargeCustomerFail");
    await stripe.subscriptions.update(id, { default_payment_method: bad });
    await syncCustomer(of);
    return of;
  };

  /** Workspaces whose renewal fails in the same moment. @returns them, and since when they are past due */
  const failedRenewals = (...names: string[]): Promise<{ all: TenantCtx[]; since: Date }> =>
    silently(async () => {
      const all: TenantCtx[] = [];
      for (const name of names) all.push(await subscribed(name));
      const [item] = (await subscriptionAt(all[0]!)).items.data;
      const since = new Date(item!.current_period_end * 1_000);
      clock.set(since);
      await advance({ minutes: 1 });
      for (const of of all) await syncCustomer(of);
      return { all, since };
    });

  afterEach(() => silently(() => endAll(left.splice(0), subscriptionAt, stripe)));

  return {
    subscriptionAt,
    invoicesAt,
    goodCard,
    failedRenewals,
    failedRenewal: async (name: string) => {
      const { all, since } = await failedRenewals(name);
      return { of: all[0]!, since };
    },
    /** Its oldest open invoice, with another card. */
    pay: async (of: TenantCtx): Promise<void> => {
      const open = (await invoicesAt(of)).filter(({ status }) => status === "open").at(-1);
      await stripe.invoices.pay(open!.id, { payment_method: await goodCard(of) });
      await settled();
    },
  };
}

/** Whoever is left would renew in the months of the tests that follow. */
async function endAll(
  left: TenantCtx[],
  subscriptionAt: (of: TenantCtx) => Promise<Stripe.Subscription>,
  stripe: Stripe,
): Promise<void> {
  for (const of of left) {
    const { id, status } = await subscriptionAt(of);
    if (status !== "canceled") await stripe.subscriptions.cancel(id);
  }
}
