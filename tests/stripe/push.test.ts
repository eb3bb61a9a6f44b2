import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import { prices } from "@/config/plans";
import type { PriceList } from "@/lib/price-list";
import { startCheckout } from "@/server/billing/checkout";
import { openPortal } from "@/server/billing/portal";
import type { Ctx } from "@/server/context";
import { status } from "@/server/quota/status";
import { compareWithList, differences } from "@/server/stripe/compare";
import { pushPrices } from "@/server/stripe/push";
import { subscriptionOf } from "@/server/subscriptions/subscription";

const { ctx, tenant, owner, stripe, buy } = await stage({ push: false });

const withPrices = <C extends Ctx>(one: C, list: PriceList): C => ({ ...one, prices: list });
/** Pro with more compute and a higher price. */
const dearer: PriceList = {
  ...prices,
  plans: prices.plans.map((plan) =>
    plan.id === "pro"
      ? {
          ...plan,
          price: { kind: "recurring", monthlyMinor: 1_900, annualMinor: 15_000 },
          limits: { ...plan.limits, compute: 3_000 },
        }
      : plan,
  ),
};
const atStripe = async () => ({
  prices: (await stripe.prices.list({ limit: 100 })).data.length,
  products: (await stripe.products.list({ limit: 100 })).data.length,
});

test("before a push, a checkout says what is missing and how to mend it", async () => {
  const ada = await tenant("ada");
  await expect(startCheckout(ada, { plan: "pro" })).rejects.toMatchObject({
    code: "PRICES_NOT_PUSHED",
    hint: expect.stringContaining("npm run plans -- push"),
  });
});

test("a push makes every price that is sold, and a second push makes nothing new", async () => {
  const first = await pushPrices(ctx);
  expect(first.made.sort()).toEqual(
    [
      "enterprise@1:month",
      "enterprise@1:year",
      "pack:credits_100:500:usd",
      "pack:credits_2000:6000:usd",
      "pack:credits_500:2000:usd",
      "pro@1:month",
      "pro@1:year",
    ].sort(),
  );
  const before = await atStripe();
  expect(before).toEqual({ prices: 7, products: 5 });
  const second = await pushPrices(ctx);
  expect([second.made, second.kept.length]).toEqual([[], 7]);
  expect(await atStripe()).toEqual(before);
});

test("a database that forgot its prices finds them at Stripe by their lookup keys", async () => {
  const before = await atStripe();
  await owner`delete from stripe_prices`;
  const ada = await tenant("ada");
  expect((await startCheckout(ada, { plan: "pro" })).url).toContain("/c/pay/");
  expect(await owner`select lookup_key from stripe_prices`).toEqual([{ lookup_key: "pro@1:month" }]);
  expect((await pushPrices(ctx)).made).toEqual([]);
  expect(await atStripe()).toEqual(before);
});

test("a changed price list makes a new version; who subscribed before stays on the old one", async () => {
  const ada = await tenant("ada");
  await buy(ada, { plan: "pro", interval: "month" });
  const { made } = await pushPrices(withPrices(ctx, dearer));
  expect(made.sort()).toEqual(["pro@2:month", "pro@2:year"]);
  const bo = withPrices(await tenant("bo"), dearer);
  await buy(bo, { plan: "pro", interval: "month" });
  const view = async (one: typeof bo) => {
    const { plan, subscription } = await subscriptionOf(one);
    const compute = (await status(one)).meters.find((meter) => meter.feature === "compute");
    return [plan.version, subscription?.price.amountMinor, compute?.limit];
  };
  expect(await view(withPrices(ada, dearer))).toEqual(["pro@1", 1_500n, 2_000]);
  expect(await view(bo)).toEqual(["pro@2", 1_900n, 3_000]);
});

test("the comparison names what changed and what Stripe lacks, and writes nothing", async () => {
  const cheaper: PriceList = { ...dearer, packs: [{ ...prices.packs[0]!, priceMinor: 400 }] };
  const before = await owner`select count(*) from plan_versions`;
  const { plans, prices: compared } = await compareWithList(withPrices(ctx, { ...cheaper, currency: "eur" }));
  const pro = plans.find(({ planId }) => planId === "pro");
  expect(pro).toMatchObject({
    soldAs: "pro@2",
    version: "pro@3",
    isNew: true,
    changes: ['currency: "usd" → "eur"'],
  });
  expect(compared.find(({ lookupKey }) => lookupKey === "pack:credits_100:400:eur")).toMatchObject({
    atStripe: "missing",
    price: { amountMinor: 400n, currency: "eur" },
  });
  expect(await owner`select count(*) from plan_versions`).toEqual(before);
  const same = await compareWithList(ctx);
  expect(same.plans.every(({ isNew }) => !isNew)).toBe(true);
  expect(same.prices.every((price) => price.atStripe === "in place")).toBe(true);
});

test("a lookup key whose price charges something else moves to a new price", async () => {
  const [wrong] = (await stripe.prices.list({ lookup_keys: ["pro@1:year"] })).data;
  await stripe.prices.create({
    product: String(wrong?.product),
    currency: "usd",
    unit_amount: 1,
    recurring: { interval: "year" },
    lookup_key: "pro@1:year",
    transfer_lookup_key: true,
  });
  await owner`delete from stripe_prices where lookup_key = 'pro@1:year'`;
  const cleo = await tenant("cleo");
  const wish = { plan: "pro", interval: "year" } as const;
  await expect(startCheckout(cleo, wish)).rejects.toMatchObject({ code: "PRICES_NOT_PUSHED" });
  expect((await pushPrices(ctx)).made).toEqual(["pro@1:year"]);
  const [right] = (await stripe.prices.list({ lookup_keys: ["pro@1:year"] })).data;
  expect(right?.unit_amount).toBe(15_000);
  expect((await startCheckout(cleo, wish)).url).toContain("/c/pay/");
});

test("an archived price is opened again", async () => {
  const [archived] = (await stripe.prices.list({ lookup_keys: ["enterprise@1:year"] })).data;
  await stripe.prices.update(archived!.id, { active: false });
  expect((await pushPrices(ctx)).made).toEqual(["enterprise@1:year"]);
  expect((await stripe.prices.retrieve(archived!.id)).active).toBe(true);
});

test("the portal is configured once and follows the price list", async () => {
  const dan = await tenant("dan");
  await expect(openPortal(dan)).rejects.toMatchObject({ code: "NOT_FOUND" });
  await buy(dan, { plan: "pro", interval: "month" });
  await Promise.all([openPortal(dan), openPortal(dan)]);
  await openPortal(withPrices(dan, dearer));
  const ours = (await stripe.billingPortal.configurations.list({ limit: 100 })).data.filter(
    ({ metadata }) => metadata?.madeBy === "tollgate",
  );
  expect(ours).toHaveLength(1);
  const { subscription_cancel, subscription_update } = ours[0]!.features;
  expect(subscription_cancel).toMatchObject({ enabled: true, mode: "at_period_end" });
  expect(subscription_update).toMatchObject({ enabled: true, proration_behavior: "always_invoice" });
  const offered = subscription_update.products?.flatMap((product) => product.prices) ?? [];
  const keys = await owner`select lookup_key from stripe_prices where price_id = any(${offered})`;
  expect(keys.map((row) => row.lookup_key).sort()).toEqual([
    "enterprise@1:month",
    "enterprise@1:year",
    "pro@2:month",
    "pro@2:year",
  ]);
});

test("differences are told leaf by leaf", () => {
  expect(differences({ a: 1, b: { c: true } }, { a: 1, b: { c: false, d: "x" } })).toEqual([
    "b.c: true → false",
    'b.d: nothing → "x"',
  ]);
  expect(differences({ a: [1, 2] }, { a: [1, 2] })).toEqual([]);
});
