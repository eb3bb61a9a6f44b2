import { afterAll, expect, test } from "vitest";
import { Scene } from "./support";

const scene = await Scene.start();
afterAll(() => scene.end());
const { paymentIntents, paymentMethods, charges } = scene.stripe;

/** An intent that waits for its confirmation, paid by a card of the customer's. */
async function waiting(card: string) {
  const customer = await scene.customer();
  const { id: payment_method } = await paymentMethods.attach(card, { customer: customer.id });
  const automatic_payment_methods = { enabled: true, allow_redirects: "never" } as const;
  return paymentIntents.create({
    amount: 500,
    currency: "usd",
    customer: customer.id,
    payment_method,
    automatic_payment_methods,
  });
}

test("a good card is charged without its owner, once: a second confirmation is refused", async () => {
  const { id } = await waiting("pm_card_visa");
  expect(await paymentIntents.confirm(id, { off_session: true })).toMatchObject({
    status: "succeeded",
    amount_received: 500,
  });
  await expect(paymentIntents.confirm(id, { off_session: true })).rejects.toMatchObject({
    code: "payment_intent_unexpected_state",
  });
});

test.each([
  ["a card that is declined", "pm_card_chargeCustomerFail", "card_declined", "generic_decline"],
  [
    "a card that wants its owner",
    "pm_card_authenticationRequired",
    "authentication_required",
    "authentication_required",
  ],
])(
  "%s fails at once, keeps the reason, and can't be confirmed again",
  async (_what, card, code, decline_code) => {
    const { id } = await waiting(card);
    await expect(paymentIntents.confirm(id, { off_session: true })).rejects.toMatchObject({
      statusCode: 402,
      code,
      decline_code,
      payment_intent: { id, status: "requires_payment_method" },
    });
    const kept = await paymentIntents.retrieve(id);
    expect(kept).toMatchObject({ status: "requires_payment_method", payment_method: null });
    expect(kept.last_payment_error).toMatchObject({ code, decline_code });
    const [charge] = (await charges.list({ payment_intent: id })).data;
    expect(charge).toMatchObject({ status: "failed", failure_code: code });
    expect(scene.lastEvent("payment_intent.payment_failed").data.object).toMatchObject({ id });
    await expect(paymentIntents.confirm(id, { off_session: true })).rejects.toMatchObject({
      param: "payment_method",
    });
  },
);

test("with its owner there, the same card asks for authentication", async () => {
  const { id } = await waiting("pm_card_authenticationRequired");
  expect(await paymentIntents.confirm(id)).toMatchObject({ status: "requires_action" });
});
