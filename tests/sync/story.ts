import type { Stage } from "@tests/support/stage";
import type Stripe from "stripe";
import { expect } from "vitest";
import { startCheckout } from "@/server/billing/checkout";
import { openPortal } from "@/server/billing/portal";
import type { TenantCtx } from "@/server/context";
import { ensureCustomer } from "@/server/stripe/customer";

/**
 * Subscribes and buys credits, upgrades, renews, and cancels at the period's end: each step as a person takes it.
 * Deliveries are held back, so that a test tells the events itself.
 */
export function storyOf(stage: Stage, ctx: TenantCtx): (() => Promise<void>)[] {
  const { simulator, stripe, clock, owner, pay } = stage;
  let pages: { url: string }[] = [];
  const change = async (step: string, fields: Record<string, string> = {}) => {
    const { data } = await stripe.subscriptions.list({ customer: await ensureCustomer(ctx) });
    const body = new URLSearchParams({ subscription: data[0]!.id, ...fields });
    const { url } = await openPortal(ctx);
    await fetch(`${url}${step}`, { method: "POST", body, redirect: "manual" });
  };
  return [
    async () => {
      simulator.control.setMode({ hold: true });
      pages = [
        await startCheckout(ctx, { plan: "pro", interval: "month" }),
        await startCheckout(ctx, { pack: "credits_500" }),
      ];
    },
    async () => void (await pay(pages[0]!.url)),
    async () => void (await pay(pages[1]!.url)),
    async () => {
      const [row] = await owner`select price_id from stripe_prices where lookup_key = 'enterprise@1:month'`;
      await change("/switch", { price: String(row?.price_id) });
    },
    async () => {
      clock.advance({ days: 32 });
      await simulator.control.advanceTo(clock.now());
    },
    () => change("/cancel"),
  ];
}

const HANDLED = /^(checkout\.session|customer\.subscription|invoice\.paid|invoice\.payment_failed)/;

/** The customer's events that a handler exists for, and the charges, which nobody handles; oldest first. */
export function eventsOf({ simulator }: Stage, customer: string): Stripe.Event[] {
  return simulator.events.filter(({ type, data }) => {
    const { customer: owner } = data.object as { customer?: string };
    return owner === customer && (HANDLED.test(type) || type.startsWith("charge."));
  });
}

/** Tells an event as Stripe would, and waits until it is worked off. */
export async function tell({ stripe, secret, post }: Stage, event: Stripe.Event): Promise<void> {
  const payload = JSON.stringify(event);
  const signature = await stripe.webhooks.generateTestHeaderStringAsync({ payload, secret });
  const headers = { "stripe-signature": signature };
  const answer = await post(new Request("http://app.test", { method: "POST", headers, body: payload }));
  expect(answer.status).toBe(200);
}
