import type Stripe from "stripe";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Scene, stripeError } from "./support";

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.start({ now: () => new Date("2027-01-31T12:00:00Z") });
});
afterEach(() => scene.end());

async function code(fields: Stripe.CouponCreateParams, more: Partial<Stripe.PromotionCodeCreateParams> = {}) {
  const coupon = await scene.stripe.coupons.create(fields);
  const promotion = { type: "coupon" as const, coupon: coupon.id };
  return scene.stripe.promotionCodes.create({ promotion, code: "SPRING", ...more });
}

describe("on subscriptions", () => {
  test.each([
    ["once", {}, [1500, 2000, 2000, 2000]],
    ["repeating", { duration_in_months: 2 }, [1500, 1500, 2000, 2000]],
    ["forever", {}, [1500, 1500, 1500, 1500]],
  ] as const)("a coupon that lasts %s", async (duration, fields, paid) => {
    const coupon = await scene.stripe.coupons.create({ percent_off: 25, duration, ...fields });
    const { id } = await scene.subscribe(2000, { discounts: [{ coupon: coupon.id }] });
    const preview = await scene.stripe.invoices.createPreview({ subscription: id });
    expect(preview.amount_due).toBe(paid[1]);
    await scene.advanceDays(90);
    const { data } = await scene.stripe.invoices.list({ subscription: id });
    expect(data.map(({ amount_paid }) => amount_paid).reverse()).toEqual(paid);
    expect((await scene.stripe.coupons.retrieve(coupon.id)).times_redeemed).toBe(1);
  });

  test("an amount off is shared by the lines and adds up to the cent", async () => {
    const coupon = await scene.stripe.coupons.create({ amount_off: 1000, currency: "usd" });
    const [a, b, c] = [await scene.price(999), await scene.price(999), await scene.price(999)];
    const customer = await scene.payer();
    const { latest_invoice } = await scene.stripe.subscriptions.create({
      customer: customer.id,
      items: [{ price: a.id }, { price: b.id }, { price: c.id }],
      discounts: [{ coupon: coupon.id }],
      expand: ["latest_invoice.discounts"],
    });
    const invoice = latest_invoice as Stripe.Invoice;
    expect(invoice).toMatchObject({ subtotal: 2997, total: 1997, amount_paid: 1997 });
    expect(invoice.lines.data.map((line) => line.discount_amounts?.[0]?.amount)).toEqual([333, 334, 333]);
    expect(invoice.total_discount_amounts?.[0]?.amount).toBe(1000);
    expect((invoice.discounts[0] as Stripe.Discount).source.coupon).toBe(coupon.id);
  });

  test("an upgrade credits what was paid after the discount, not the list price", async () => {
    const coupon = await scene.stripe.coupons.create({ percent_off: 50, duration: "once" });
    const { id, items } = await scene.subscribe(2000, { discounts: [{ coupon: coupon.id }] });
    const bigger = await scene.price(5000);
    await scene.advanceDays(14);
    const change = {
      items: [{ id: items.data[0]!.id, price: bigger.id }],
      proration_behavior: "always_invoice" as const,
    };
    const preview = await scene.stripe.invoices.createPreview({
      subscription: id,
      subscription_details: change,
    });
    expect(preview.lines.data.map(({ amount }) => amount)).toEqual([-500, 2500]);
    const updated = await scene.stripe.subscriptions.update(id, { ...change, expand: ["latest_invoice"] });
    expect((updated.latest_invoice as Stripe.Invoice).amount_due).toBe(preview.amount_due);
  });

  test("can be added, previewed, taken away, and are told", async () => {
    const coupon = await scene.stripe.coupons.create({ percent_off: 10, duration: "forever" });
    const { id } = await scene.subscribe();
    const discounts = [{ coupon: coupon.id }];
    expect((await scene.stripe.invoices.createPreview({ subscription: id, discounts })).amount_due).toBe(
      1800,
    );
    const updated = await scene.stripe.subscriptions.update(id, { discounts, expand: ["discounts"] });
    expect((updated.discounts[0] as Stripe.Discount).source).toEqual({ type: "coupon", coupon: coupon.id });
    expect((await scene.stripe.invoices.createPreview({ subscription: id })).amount_due).toBe(1800);
    await scene.stripe.subscriptions.update(id, { discounts: "" });
    expect((await scene.stripe.invoices.createPreview({ subscription: id })).amount_due).toBe(2000);
    expect(scene.eventTypes("customer.discount")).toEqual([
      "customer.discount.created",
      "customer.discount.deleted",
    ]);
  });
});

describe("in checkout", () => {
  test("a code typed on the page changes the total, the invoice and what is charged", async () => {
    await code({ percent_off: 12.5, duration: "once" });
    const price = await scene.price(2001);
    const session = await scene.checkout({
      line_items: [{ price: price.id, quantity: 3 }],
      allow_promotion_codes: true,
    });
    expect(
      await (await scene.submit(session.url!, { action: "apply", promotion_code: "NO" })).text(),
    ).toContain("This code is invalid.");
    await scene.submit(session.url!, { action: "apply", promotion_code: "spring" });
    expect(await scene.text(session.url!)).toContain("-$7.50");
    await scene.submit(session.url!, { action: "pay", card: "success", email: "a@example.com" });
    const done = await scene.stripe.checkout.sessions.retrieve(session.id, { expand: ["invoice"] });
    expect(done).toMatchObject({
      amount_subtotal: 6003,
      amount_total: 5253,
      total_details: { amount_discount: 750 },
    });
    expect((done.invoice as Stripe.Invoice).amount_paid).toBe(5253);
    expect(done.discounts?.[0]?.promotion_code).toMatch(/^promo_/);
  });

  test("tax is reckoned on what is left", async () => {
    const coupon = await scene.stripe.coupons.create({ percent_off: 50 });
    const price = await scene.price(1000, null);
    const session = await scene.checkout({
      mode: "payment",
      line_items: [{ price: price.id, quantity: 1 }],
      discounts: [{ coupon: coupon.id }],
      automatic_tax: { enabled: true },
    });
    expect(session).toMatchObject({
      amount_total: 600,
      total_details: { amount_discount: 500, amount_tax: 100 },
    });
  });

  test("all of it off asks for no card and makes no payment", async () => {
    const coupon = await scene.stripe.coupons.create({ percent_off: 100 });
    const [price, customer] = [await scene.price(1000, null), await scene.customer()];
    const session = await scene.checkout({
      mode: "payment",
      customer: customer.id,
      line_items: [{ price: price.id, quantity: 1 }],
      discounts: [{ coupon: coupon.id }],
      invoice_creation: { enabled: true },
    });
    await scene.submit(session.url!, { action: "pay" });
    const done = await scene.stripe.checkout.sessions.retrieve(session.id, { expand: ["invoice"] });
    expect(done).toMatchObject({
      status: "complete",
      payment_status: "no_payment_required",
      payment_intent: null,
      invoice: { status: "paid", subtotal: 1000, total: 0 },
    });
  });

  test("the last redemption goes to one of two open sessions", async () => {
    const { id } = await code({ percent_off: 10 }, { max_redemptions: 1 });
    const price = await scene.price(2000);
    const open = () =>
      scene.checkout({
        line_items: [{ price: price.id, quantity: 1 }],
        discounts: [{ promotion_code: id }],
      });
    const [first, second] = [await open(), await open()];
    const fields = { action: "pay", card: "success", email: "a@example.com" };
    await scene.submit(first.url!, fields);
    expect(await (await scene.submit(second.url!, fields)).text()).toContain("no longer valid");
    expect((await scene.stripe.checkout.sessions.retrieve(second.id)).status).toBe("open");
    expect((await scene.stripe.promotionCodes.retrieve(id)).times_redeemed).toBe(1);
  });
});

test("codes are refused to strangers, to those who have paid before, for small sums, and after their time", async () => {
  const [payer, other] = [await scene.payer(), await scene.customer()];
  const price = await scene.price(2000);
  const expires_at = Math.floor(scene.sim.control.now().getTime() / 1000) + 3600;
  const codes = [
    await code({ percent_off: 10 }, { code: "A", customer: other.id }),
    await code({ percent_off: 10 }, { code: "B", restrictions: { first_time_transaction: true } }),
    await code(
      { percent_off: 10 },
      { code: "C", restrictions: { minimum_amount: 9000, minimum_amount_currency: "usd" } },
    ),
    await code({ percent_off: 10 }, { code: "D", expires_at }),
    await code({ amount_off: 100, currency: "eur" }, { code: "E" }),
    await code({ percent_off: 10 }, { code: "F", active: false }),
  ];
  await scene.stripe.subscriptions.create({ customer: payer.id, items: [{ price: price.id }] });
  await scene.advanceDays(1);
  for (const { id } of codes) {
    const refusal = scene.stripe.subscriptions.create({
      customer: payer.id,
      items: [{ price: price.id }],
      discounts: [{ promotion_code: id }],
    });
    expect((await stripeError(refusal)).statusCode).toBe(400);
  }
  expect((await stripeError(code({ percent_off: 10 }, { code: "a" }))).statusCode).toBe(400);
  for (const wrong of [{}, { percent_off: 101 }, { percent_off: 1, amount_off: 1 }, { amount_off: 5 }]) {
    expect((await stripeError(scene.stripe.coupons.create(wrong))).statusCode).toBe(400);
  }
});

test("a coupon that was deleted is redeemed no more, and those who have it keep it", async () => {
  const coupon = await scene.stripe.coupons.create({ percent_off: 50, duration: "forever", id: "HALF" });
  const { id } = await scene.subscribe(2000, { discounts: [{ coupon: coupon.id }] });
  await scene.stripe.coupons.del("HALF");
  expect((await stripeError(scene.subscribe(2000, { discounts: [{ coupon: "HALF" }] }))).statusCode).toBe(
    400,
  );
  await scene.advanceDays(29);
  expect((await scene.invoicesOf(id)).at(-1)).toBe("subscription_cycle paid 1000");
});
