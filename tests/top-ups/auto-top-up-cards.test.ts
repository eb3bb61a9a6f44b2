import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import { startCheckout } from "@/server/billing/checkout";
import { createCtx, type TenantCtx } from "@/server/context";
import { autoTopUp, setAutoTopUp } from "@/server/top-ups/auto-top-up";
import { topUps } from "@/server/top-ups/jobs";
import { paymentMethodFor } from "@/server/top-ups/payment-method";
import { PACK, TERMS, topUpStage } from "./top-ups";

const made = await stage({ poolSize: 10 });
const { tenant, runtime, simulator, buy, pay, settled } = made;
const { keepCard, chargesOf, creditsOf, toldOf } = topUpStage(made);

const SAVING = { pack: PACK, saveCard: true } as const;
/** Above what one pack brings, so that one is due at once. */
const DUE = { ...TERMS, threshold: 150, monthlyCapMinor: 500 };
const cron = () => topUps(createCtx(runtime, { kind: "cron", job: "top-ups" }));

/** On, and one pack bought by itself with whatever card is there. */
async function expectToppedUp(ctx: TenantCtx) {
  const before = await creditsOf(ctx);
  expect(await setAutoTopUp(ctx, DUE)).toMatchObject({ state: "on", card: { brand: "visa" } });
  await cron();
  expect(await creditsOf(ctx)).toBe(before + 100);
  expect(await toldOf(ctx)).toEqual([]);
}

test("the card of a pack that was bought with it kept is charged from then on", async () => {
  const ada = await tenant("ada");
  await buy(ada, SAVING);
  await expectToppedUp(ada);
  expect(await chargesOf(ada)).toHaveLength(2);
});

test("a card that nobody asked to keep is not charged again", async () => {
  const bo = await tenant("bo");
  await buy(bo, { pack: PACK });
  expect(await paymentMethodFor(bo)).toBeNull();
  await expect(setAutoTopUp(bo, TERMS)).rejects.toMatchObject({ code: "CARD_NEEDED" });
});

test("a pack that keeps the card and one that doesn't are two pages, of which one is open", async () => {
  const cleo = await tenant("cleo");
  const plain = await startCheckout(cleo, { pack: PACK });
  const saving = await startCheckout(cleo, SAVING);
  expect(saving.url).not.toBe(plain.url);
  expect(await startCheckout(cleo, SAVING)).toEqual(saving);
  expect((await pay(plain.url)).status).not.toBe(303);
  await pay(saving.url);
  await settled();
  expect(await creditsOf(cleo)).toBe(100);
  expect(await paymentMethodFor(cleo)).toMatchObject({ brand: "visa", last4: "4242" });
});

test("an order of credits keeps the card when it is asked to", async () => {
  const dan = await tenant("dan");
  await buy(dan, { order: { pack: PACK, saveCard: true } });
  await expectToppedUp(dan);
});

test("a subscription's card serves as well", async () => {
  const ada = await tenant("ada");
  await buy(ada, { plan: "pro", interval: "month" });
  await expectToppedUp(ada);
});

test("the customer's default goes before every other card", async () => {
  const bo = await tenant("bo");
  await buy(bo, { plan: "pro", interval: "month" });
  await keepCard(bo, "pm_card_mastercard");
  expect(await paymentMethodFor(bo)).toMatchObject({ brand: "mastercard", last4: "4444" });
});

test("a card whose owner confirmed it at the page is charged off session afterwards", async () => {
  const cleo = await tenant("cleo");
  const { url } = await startCheckout(cleo, SAVING);
  const { location } = await pay(url, { card: "three_d_secure" });
  await fetch(new URL(location ?? "", simulator.url), {
    method: "POST",
    body: new URLSearchParams({ outcome: "complete" }),
    redirect: "manual",
  });
  await settled();
  expect(await creditsOf(cleo)).toBe(100);
  await expectToppedUp(cleo);
});

test("a card that refused comes after all others: buying by hand with another and turning it on again mends it", async () => {
  const dan = await tenant("dan");
  await keepCard(dan, "pm_card_chargeCustomerFail");
  await setAutoTopUp(dan, TERMS);
  await cron();
  expect(await autoTopUp(dan)).toMatchObject({ state: "stopped", card: { last4: "0341" } });
  await buy(dan, SAVING);
  expect(await setAutoTopUp(dan, { ...TERMS, threshold: 250 })).toMatchObject({ card: { last4: "4242" } });
  for (let run = 0; run < 3; run += 1) await cron();
  expect(await creditsOf(dan)).toBe(300);
  expect(await toldOf(dan)).toHaveLength(1);
});

test("a card that refused is asked again when it is the only one and a person turns it on again", async () => {
  const ada = await tenant("ada");
  await keepCard(ada, "pm_card_chargeCustomerFail");
  for (const asked of [1, 2]) {
    await setAutoTopUp(ada, TERMS);
    for (let run = 0; run < 3; run += 1) await cron();
    expect(await chargesOf(ada)).toHaveLength(asked);
  }
});
