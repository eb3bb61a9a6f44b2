import type Stripe from "stripe";

/** Where a flow plays: the simulated Stripe, or a sandbox of the real one. */
export interface Stage {
  stripe: Stripe;
  customer: string;
  clock: string;
  /** Moves the customer's clock forward. */
  advanceDays(days: number): Promise<void>;
}

interface Flow {
  name: string;
  /** Each step is compared on its own, so that a difference is found where it begins. */
  steps: Record<string, (stage: Stage) => Promise<void>>;
}

async function price({ stripe }: Stage, amount: number): Promise<string> {
  const { id } = await stripe.products.create({ name: `Plan of ${amount}` });
  const recurring = { interval: "month" as const };
  return (await stripe.prices.create({ product: id, currency: "usd", unit_amount: amount, recurring })).id;
}

async function payWith({ stripe, customer }: Stage, token: string): Promise<void> {
  const { id } = await stripe.paymentMethods.attach(token, { customer });
  await stripe.customers.update(customer, { invoice_settings: { default_payment_method: id } });
}

async function subscribe(stage: Stage, fields: Partial<Stripe.SubscriptionCreateParams> = {}): Promise<void> {
  const items = [{ price: await price(stage, 2000) }];
  await stage.stripe.subscriptions.create({ customer: stage.customer, items, ...fields });
}

async function current({ stripe, customer }: Stage): Promise<Stripe.Subscription> {
  const { data } = await stripe.subscriptions.list({ customer, status: "all" });
  return data[0]!;
}

async function change(stage: Stage, amount: number): Promise<void> {
  const { id, items } = await current(stage);
  await stage.stripe.subscriptions.update(id, {
    items: [{ id: items.data[0]!.id, price: await price(stage, amount) }],
    proration_behavior: "always_invoice",
    payment_behavior: "pending_if_incomplete",
  });
}

async function planDowngrade(stage: Stage): Promise<void> {
  const { id } = await current(stage);
  const schedules = stage.stripe.subscriptionSchedules;
  const schedule = await schedules.create({ from_subscription: id });
  const { start_date, end_date, items } = schedule.phases[0]!;
  await schedules.update(schedule.id, {
    end_behavior: "release",
    phases: [
      { start_date, end_date, items: [{ price: items[0]!.price as string, quantity: 1 }] },
      {
        items: [{ price: await price(stage, 900) }],
        proration_behavior: "none",
        duration: { interval: "month" },
      },
    ],
  });
}

async function refundLast({ stripe, customer }: Stage): Promise<void> {
  const [intent] = (await stripe.paymentIntents.list({ customer })).data;
  await stripe.refunds.create({ payment_intent: intent!.id, amount: 500 });
}

/** What the simulator's order and choice of events is compared by. */
export const FLOWS: Flow[] = [
  {
    name: "life",
    steps: {
      "a card is stored": (stage) => payWith(stage, "pm_card_visa"),
      "a subscription begins": (stage) => subscribe(stage),
      "it is upgraded at once": (stage) => change(stage, 5000),
      "a part is refunded": refundLast,
      "a downgrade is planned": planDowngrade,
      "the period ends": (stage) => stage.advanceDays(32),
      "it is canceled": async (stage) =>
        void (await stage.stripe.subscriptions.cancel((await current(stage)).id)),
    },
  },
  {
    name: "dunning",
    steps: {
      "a trial begins": async (stage) => {
        await payWith(stage, "pm_card_chargeCustomerFail");
        await subscribe(stage, { trial_period_days: 7 });
      },
      "the trial ends and the card is declined": (stage) => stage.advanceDays(8),
      "another card pays": async (stage) => {
        await payWith(stage, "pm_card_visa");
        await stage.stripe.invoices.pay((await current(stage)).latest_invoice as string);
      },
    },
  },
];

const OWN =
  /^(checkout|customer|invoice|invoiceitem|charge|refund|payment_intent|payment_method|subscription_schedule)/;

/** The types of the events about a customer, sorted: within a second Stripe promises no order. */
export function typesOf(events: readonly Stripe.Event[], customer: string): string[] {
  const isOwn = ({ type, data }: Stripe.Event) => {
    const object = data.object as { id?: string; customer?: unknown };
    return OWN.test(type) && (object.id === customer || object.customer === customer);
  };
  return events
    .filter(isOwn)
    .map(({ type }) => type)
    .toSorted();
}

async function settled({ stripe, clock }: Stage, pauseMs: number): Promise<void> {
  while ((await stripe.testHelpers.testClocks.retrieve(clock)).status === "advancing") {
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

/** Sets a stage with a customer on a clock of its own. */
export async function setStage(stripe: Stripe, frozenTime: number, pauseMs: number): Promise<Stage> {
  const clock = await stripe.testHelpers.testClocks.create({ frozen_time: frozenTime });
  const customer = await stripe.customers.create({ email: "ada@example.com", test_clock: clock.id });
  let now = frozenTime;
  const stage: Stage = {
    stripe,
    customer: customer.id,
    clock: clock.id,
    advanceDays: async (days) => {
      now += days * 86_400;
      await stripe.testHelpers.testClocks.advance(clock.id, { frozen_time: now });
      await settled(stage, pauseMs);
    },
  };
  return stage;
}

/** Plays a flow and answers the types of the events of each step. `pauseMs`: until all events can be listed. */
export async function playFlow(flow: Flow, stage: Stage, pauseMs: number): Promise<Record<string, string[]>> {
  const seen = new Set<string>();
  const told: Record<string, string[]> = {};
  const news = async () => {
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    const events = await stage.stripe.events.list({ limit: 100 }).autoPagingToArray({ limit: 1000 });
    const fresh = events.filter(({ id }) => !seen.has(id));
    for (const { id } of fresh) seen.add(id);
    return typesOf(fresh, stage.customer);
  };
  await news();
  for (const [name, step] of Object.entries(flow.steps)) {
    await step(stage);
    told[name] = await news();
  }
  return told;
}
