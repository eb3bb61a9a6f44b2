import { stage } from "@tests/support/stage";
import type Stripe from "stripe";
import { expect, test } from "vitest";
import { prices as tollgate } from "@/config/plans";
import { changePlan } from "@/server/billing/change-plan";
import { startCheckout } from "@/server/billing/checkout";
import { previewChange } from "@/server/billing/preview-change";
import { redeemPromotionCode } from "@/server/billing/redeem-code";
import type { TenantCtx } from "@/server/context";
import { ensureCustomer } from "@/server/stripe/customer";
import { subscriptionOf } from "@/server/subscriptions/subscription";

const { tenant, stripe, pay, buy, advance, settled, clock } = await stage({
  prices: { ...tollgate, promotionCodes: true },
});

const PRO = { plan: "pro", interval: "month" } as const;
const ENTERPRISE = { plan: "enterprise", interval: "month" } as const;
const PRO_YEAR = { plan: "pro", interval: "year" } as const;

const invoicesOf = async (ctx: TenantCtx) =>
  (await stripe.invoices.list({ customer: await ensureCustomer(ctx) })).data;
async function subscribed(name: string, wish: typeof PRO | typeof ENTERPRISE = PRO): Promise<TenantCtx> {
  const ctx = await tenant(name);
  await buy(ctx, wish);
  return ctx;
}
async function code(
  name: string,
  coupon: Stripe.CouponCreateParams,
  rest: Omit<Stripe.PromotionCodeCreateParams, "promotion"> = {},
): Promise<Stripe.PromotionCode> {
  const { id } = await stripe.coupons.create({ name, duration: "forever", ...coupon });
  return stripe.promotionCodes.create({ code: name, promotion: { type: "coupon", coupon: id }, ...rest });
}
const redeem = async (ctx: TenantCtx, name: string) => {
  await settled();
  const { subscription } = await redeemPromotionCode(ctx, { code: name });
  return subscription?.discounts;
};
const change = async (ctx: TenantCtx, wish: typeof PRO | typeof ENTERPRISE | typeof PRO_YEAR) => {
  const preview = await previewChange(ctx, wish);
  await changePlan(ctx, { ...wish, preview: preview.preview });
  return preview;
};

test("a code entered at the checkout takes its part off for as long as it runs, and is shown with its end", async () => {
  await code("SPRING", { percent_off: 20, duration: "repeating", duration_in_months: 3 });
  const ada = await tenant("ada");
  const { url } = await startCheckout(ada, PRO);
  await pay(url, { action: "apply", promotion_code: "spring" });
  await pay(url);
  await settled();
  const endsAt = new Date("2026-06-02T09:00:00.000Z");
  expect((await subscriptionOf(ada)).subscription?.discounts).toEqual([
    { name: "SPRING", code: "SPRING", percentHundredths: 2_000, off: null, once: false, endsAt },
  ]);
  expect((await invoicesOf(ada))[0]).toMatchObject({ total: 1_200, status: "paid" });
  for (let month = 0; month < 3; month += 1) await advance({ days: 31 });
  await settled();
  expect((await invoicesOf(ada)).map(({ total }) => total)).toEqual([1_500, 1_200, 1_200, 1_200]);
  expect((await subscriptionOf(ada)).subscription?.discounts).toEqual([]);
});

test("a code is redeemed for the subscription that runs, once however often it is entered", async () => {
  await code("FIVE", { amount_off: 500, currency: "usd" });
  const bo = await subscribed("bo");
  const clicks = await Promise.all([redeem(bo, "FIVE"), redeem(bo, "five"), redeem(bo, "FIVE")]);
  for (const discounts of clicks)
    expect(discounts).toMatchObject([{ code: "FIVE", off: { amountMinor: 500n, currency: "usd" } }]);
  await advance({ days: 31 });
  expect((await invoicesOf(bo))[0]!.total).toBe(1_000);
  const { data } = await stripe.promotionCodes.list({ code: "FIVE" });
  expect(data[0]!.times_redeemed).toBe(1);
});

test("what may not be redeemed says why, and takes nothing off", async () => {
  const cleo = await subscribed("cleo");
  const soon = Math.floor(clock.now().getTime() / 1_000) + 3_600;
  const ten = { percent_off: 10 };
  const ofEnterprise = { applies_to: { products: ["tollgate_plan_enterprise"] } };
  await code("OLD", ten, { expires_at: soon });
  await code("GONE", { ...ten, redeem_by: soon });
  await code("ONE", ten, { max_redemptions: 1 });
  await code("CLOSED", ten, { active: false });
  await code("BIG", { ...ten, ...ofEnterprise });
  await code("EUROS", { amount_off: 100, currency: "eur" });
  const restrictions = { minimum_amount: 2_000, minimum_amount_currency: "usd" };
  await code("LARGE", ten, { restrictions });
  await code("FIRST", ten, { restrictions: { first_time_transaction: true } });
  await code("ADAS", ten, { customer: await ensureCustomer(await tenant("ada")) });
  expect(await redeem(await subscribed("dan"), "ONE")).toMatchObject([{ code: "ONE" }]);
  await advance({ hours: 2 });
  const refusals = {
    NOTHING: "CODE_UNKNOWN",
    ADAS: "CODE_UNKNOWN",
    OLD: "CODE_EXPIRED",
    GONE: "CODE_EXPIRED",
    CLOSED: "CODE_EXPIRED",
    ONE: "CODE_USED_UP",
    BIG: "CODE_NOT_FOR_PLAN",
    EUROS: "CODE_NOT_FOR_PLAN",
    FIRST: "CODE_NOT_FOR_PLAN",
    LARGE: "CODE_BELOW_MINIMUM",
  };
  for (const [name, refusal] of Object.entries(refusals))
    await expect(redeem(cleo, name), name).rejects.toMatchObject({ code: refusal });
  await expect(redeem(cleo, "not a code!")).rejects.toMatchObject({ code: "INVALID_INPUT" });
  await expect(redeem(await tenant("bo"), "LARGE")).rejects.toMatchObject({ code: "CONFLICT" });
  await expect(redeem({ ...cleo, prices: tollgate }, "ONE")).rejects.toMatchObject({ code: "CODE_UNKNOWN" });
  expect((await subscriptionOf(cleo)).subscription?.discounts).toEqual([]);
  const enterprise = await subscribed("cleo", ENTERPRISE);
  expect(await redeem(enterprise, "BIG")).toMatchObject([{ percentHundredths: 1_000 }]);
  await expect(redeem(enterprise, "LARGE")).rejects.toMatchObject({ code: "CONFLICT" });
});

test("a change with a discount is previewed to the cent, now and next, and the discount goes on", async () => {
  await code("HALF", { percent_off: 50 });
  const dan = await subscribed("dan");
  await redeem(dan, "HALF");
  await advance({ days: 10 });
  const up = await change(dan, ENTERPRISE);
  expect((await invoicesOf(dan))[0]!.total).toBe(Number(up.dueNow.amountMinor));
  expect(up.next.amount.amountMinor).toBe(4_950n);
  await advance({ days: 31 });
  expect((await invoicesOf(dan))[0]!.total).toBe(4_950);
  const down = await change(dan, PRO);
  expect(down).toMatchObject({ timing: "period_end", next: { amount: { amountMinor: 750n } } });
  await advance({ days: 31 });
  expect((await invoicesOf(dan))[0]!.total).toBe(750);
  expect(await subscriptionOf(dan)).toMatchObject({
    plan: { id: "pro" },
    subscription: { discounts: [{ code: "HALF" }] },
  });
});

test("what is taken off once is in the preview of the invoice that it is taken off, and not in the one after", async () => {
  await code("ONCE", { percent_off: 10, duration: "once" });
  const ada = await subscribed("ada");
  await redeem(ada, "ONCE");
  await advance({ days: 3 });
  const preview = await change(ada, PRO_YEAR);
  expect(preview.discount.amountMinor).toBe(1_500n);
  expect(preview.next.amount.amountMinor).toBe(15_000n);
  const parts = preview.lines.reduce((sum, { amount }) => sum + amount.amountMinor, 0n);
  expect(preview.dueNow.amountMinor).toBe(parts - 1_500n);
  expect((await invoicesOf(ada))[0]!.total).toBe(Number(preview.dueNow.amountMinor));
  expect((await subscriptionOf(ada)).subscription?.discounts).toEqual([]);
});

test("what is sold by order is given whole, so its page takes no codes", async () => {
  const bo = await tenant("bo");
  const pages = [
    { pack: "credits_100" },
    { order: { plan: "pro", interval: "month", credits: 100 } },
    PRO,
  ] as const;
  const takes: boolean[] = [];
  for (const wish of pages)
    takes.push((await (await fetch((await startCheckout(bo, wish)).url)).text()).includes("promotion_code"));
  expect(takes).toEqual([false, false, true]);
});
