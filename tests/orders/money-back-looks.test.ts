import { creditBusiness } from "@tests/support/credits";
import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import { inTenant } from "@/server/db/transaction";
import { listOrders } from "@/server/orders/orders";
import { consume } from "@/server/quota/consume";
import { applyMoneyBack } from "@/server/sync/apply-money-back";
import { askForLook, lookAtPayment } from "@/server/sync/look-at-payment";
import { moneyOf } from "./refunds";

/** In a currency without decimals: 100 credits cost 1,000 yen. */
const amount = { minorUnits: 10, perUnits: 1, min: 10, max: 1_000, expiresAfterDays: null };
const prices = { ...creditBusiness({ free: undefined }, { amount }), currency: "jpy" };
const set = await stage({ prices, poolSize: 10 });
const { ctx, tenant, buy, simulator, stripe, settled } = set;
const money = moneyOf(set);
const { control } = simulator;

const HUNDRED = { order: { credits: 100 } };

test("shares of a currency without decimals add up to all of it, and no sooner", async () => {
  const ada = await tenant("ada");
  await buy(ada, HUNDRED);
  const worths: number[] = [];
  for (const yen of [333, 333, 333, 1]) {
    await money.refund(ada, yen);
    worths.push(await money.worth(ada));
  }
  expect(worths).toEqual([67, 34, 1, 0]);
  expect(await money.statusOf(ada)).toBe("refunded");
});

test("a dispute in the bank's own currency takes all, whatever its figure, and won, gives it again", async () => {
  const ada = await tenant("ada");
  await buy(ada, HUNDRED);
  control.openDispute({ payment: await money.paymentOf(ada), amount: 7, currency: "eur" });
  await settled();
  expect([await money.worth(ada), await money.statusOf(ada)]).toEqual([0, "disputed"]);
  await money.decide(ada, "won");
  expect([await money.worth(ada), await money.statusOf(ada)]).toEqual([100, "fulfilled"]);
});

test("what a look doesn't list any more is not given again", async () => {
  const ada = await tenant("ada");
  await buy(ada, HUNDRED);
  await money.refund(ada, 400);
  await money.dispute(ada, 100);
  const [order] = (await listOrders(ada)).orders;
  const look = { orderId: order!.id, asked: 9, refunds: [], disputes: [] };
  await inTenant(ada, (_tx, inner) => applyMoneyBack(inner, [look]));
  expect([await money.worth(ada), await money.statusOf(ada)]).toEqual([50, "disputed"]);
});

test("more orders than one look takes: an event whose order was left over comes again", async () => {
  const ada = await tenant("ada");
  for (let n = 0; n < 21; n += 1) await buy(ada, { order: { credits: 10 } });
  control.setMode({ drop: ["*"] });
  const { orders } = await listOrders(ada, { limit: 50 });
  for (const { paymentId } of orders) {
    await stripe.refunds.create({ payment_intent: paymentId! });
    await askForLook(ada, paymentId!);
  }
  await settled();
  control.setMode({ drop: [] });
  const last = { id: "re_named", object: "refund", payment_intent: orders[0]!.paymentId };
  await expect(lookAtPayment(ctx, last)).rejects.toMatchObject({ code: "BUSY" });
  expect(await money.worth(ada)).toBe(10);
  expect(await lookAtPayment(ctx, last)).toBeUndefined();
  expect(await money.worth(ada)).toBe(0);
});

test("spent at the instant of a refund: what was spent is owed, whichever came first", async () => {
  const ada = await tenant("ada");
  await buy(ada, HUNDRED);
  const payment_intent = await money.paymentOf(ada);
  const spend = async () => {
    const receipt = await consume(ada, { feature: "pages", units: 5 }).catch(() => null);
    return receipt ? 5 : 0;
  };
  const refunded = stripe.refunds.create({ payment_intent }).then(settled);
  const spent = await Promise.all(Array.from({ length: 20 }, spend));
  await refunded;
  expect(await money.worth(ada)).toBe(-spent.reduce<number>((sum, units) => sum + units, 0) + 0);
});
