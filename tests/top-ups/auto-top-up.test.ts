import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import { autoTopUp, setAutoTopUp } from "@/server/top-ups/auto-top-up";
import { topUps } from "@/server/top-ups/jobs";
import { topUp } from "@/server/top-ups/top-up";
import { PACK, TERMS, topUpStage } from "./top-ups";

const made = await stage({ poolSize: 10 });
const { tenant, owner, ctx, clock, stripe } = made;
const { keepCard, lowTenant, intentsOf, chargesOf, attemptsOf, ordersOf, toldOf, creditsOf, give } =
  topUpStage(made);

test("below the threshold cron buys one pack with the tenant's card: one order, one charge, one lot", async () => {
  const ada = await lowTenant("ada");
  expect(await topUps(ctx)).toEqual({ toppedUp: 1, topUpsFailed: 0 });
  const [intent] = await intentsOf(ada);
  const [order] = await ordersOf(ada);
  expect(intent).toMatchObject({ status: "succeeded", amount: 500, currency: "usd" });
  expect(intent!.metadata).toEqual({ tenantId: ada.tenant.id, orderId: order!.id });
  expect(order).toMatchObject({
    origin: "auto_top_up",
    status: "fulfilled",
    total_minor: "500",
    payment_id: intent!.id,
  });
  const lots = await owner`select kind, granted, source from lots where tenant_id = ${ada.tenant.id}`;
  expect(lots).toEqual([{ kind: "purchase", granted: "100", source: `order:${order!.id}:1` }]);
  expect(await creditsOf(ada)).toBe(100);
  expect(await chargesOf(ada)).toHaveLength(1);
});

test("who has enough is not topped up, and is not even looked at again", async () => {
  const bo = await lowTenant("bo");
  await give(bo, 50, "promo:bo");
  let asked = 0;
  const count = () => {
    asked += 1;
  };
  stripe.on("request", count);
  for (let run = 0; run < 3; run += 1) await topUps(ctx);
  stripe.off("request", count);
  expect(asked).toBe(0);
  expect(await attemptsOf(bo)).toEqual([]);
  const [account] =
    await owner`select top_up_at, top_up_due_at from credit_accounts where tenant_id = ${bo.tenant.id}`;
  expect(account).toEqual({ top_up_at: "50", top_up_due_at: null });
});

test("when one pack is not enough, the next look buys the next, until it is", async () => {
  const cleo = await lowTenant("cleo", { threshold: 250 });
  for (let run = 0; run < 5; run += 1) await topUps(ctx);
  expect(await creditsOf(cleo)).toBe(300);
  expect(await chargesOf(cleo)).toHaveLength(3);
});

test("a card that is declined stops it at the first decline, and nothing asks it again until a person wants it", async () => {
  const dan = await lowTenant("dan", {}, "pm_card_chargeCustomerFail");
  expect(await topUps(ctx)).toEqual({ toppedUp: 0, topUpsFailed: 1 });
  for (let day = 0; day < 40; day += 1) {
    clock.advance({ days: 1 });
    await topUps(ctx);
    expect(await topUp(dan)).toBe("off");
  }
  expect(await chargesOf(dan)).toHaveLength(1);
  expect((await intentsOf(dan)).map(({ status }) => status)).toEqual(["canceled"]);
  expect(await creditsOf(dan)).toBe(0);
  const [order] = await ordersOf(dan);
  expect(order).toMatchObject({ status: "failed", failed_reason: "declined", fulfilled_at: null });
  const reason = { reason: "declined", code: "generic_decline", message: "Your card was declined." };
  expect(await toldOf(dan)).toMatchObject([{ payload: { ...reason, orderId: order!.id } }]);
  expect(await autoTopUp(dan)).toMatchObject({ state: "stopped", stopped: reason, waiting: null });

  await keepCard(dan, "pm_card_visa");
  await topUps(ctx);
  expect(await chargesOf(dan)).toHaveLength(1);
  expect(await setAutoTopUp(dan, TERMS)).toMatchObject({ state: "on", stopped: null });
  await topUps(ctx);
  expect(await creditsOf(dan)).toBe(100);
  expect(await toldOf(dan)).toHaveLength(1);
});

test("a card that wants its owner stops it the same way, and says where to pay by hand", async () => {
  const ada = await lowTenant("ada", {}, "pm_card_authenticationRequired");
  await topUps(ctx);
  await topUps(ctx);
  const { state, stopped } = await autoTopUp(ada);
  expect(state).toBe("stopped");
  const payUrl = `http://app.test/${ada.tenant.slug}/credits?pack=${PACK}`;
  expect(stopped).toMatchObject({ reason: "authentication_required", payUrl });
  expect(await toldOf(ada)).toMatchObject([{ payload: { reason: "authentication_required", payUrl } }]);
  expect(await chargesOf(ada)).toHaveLength(1);
  expect((await intentsOf(ada)).map(({ status }) => status)).toEqual(["canceled"]);
});

test("a card that was removed meanwhile stops it before anything is charged", async () => {
  const bo = await lowTenant("bo");
  for (const { id } of (await stripe.paymentMethods.list({ limit: 100 })).data)
    await stripe.paymentMethods.detach(id);
  await topUps(ctx);
  expect(await autoTopUp(bo)).toMatchObject({ state: "stopped", stopped: { reason: "no_card" } });
  expect(await intentsOf(bo)).toEqual([]);
  expect(await toldOf(bo)).toHaveLength(1);
});

test("turned off, nothing is bought; turned on again, it is", async () => {
  const cleo = await lowTenant("cleo");
  expect(await setAutoTopUp(cleo, { enabled: false })).toMatchObject({ state: "off" });
  await topUps(ctx);
  await topUps(ctx);
  expect(await attemptsOf(cleo)).toEqual([]);
  await setAutoTopUp(cleo, TERMS);
  await topUps(ctx);
  expect(await creditsOf(cleo)).toBe(100);
});

test("without a card it can't be turned on, and wrong wishes are refused: nothing is written", async () => {
  const dan = await tenant("dan");
  await expect(setAutoTopUp(dan, TERMS)).rejects.toMatchObject({
    code: "CARD_NEEDED",
    hint: expect.stringContaining("saveCard"),
  });
  await keepCard(dan);
  for (const wrong of [
    { threshold: 0 },
    { threshold: 1.5 },
    { threshold: -1 },
    { pack: "nothing" },
    { monthlyCapMinor: 499 },
    { monthlyCapMinor: 0 },
    { monthlyCapMinor: Number.MAX_SAFE_INTEGER },
    { surprise: true },
  ])
    await expect(setAutoTopUp(dan, { ...TERMS, ...wrong })).rejects.toMatchObject({ code: "INVALID_INPUT" });
  expect(await autoTopUp(dan)).toMatchObject({ state: "off", settings: null, card: null, attempts: [] });
  expect(
    await owner`select 1 from credit_accounts where tenant_id = ${dan.tenant.id} and top_up_at is not null`,
  ).toEqual([]);
});

test("what was agreed to, the card, the month's sum and the last attempts can be read", async () => {
  const ada = await lowTenant("ada");
  await topUps(ctx);
  const [order] = await ordersOf(ada);
  expect(await autoTopUp(ada)).toEqual({
    state: "on",
    settings: {
      threshold: 50,
      pack: PACK,
      packName: "100 credits",
      credits: 100,
      price: { amountMinor: 500n, currency: "usd" },
      monthlyCap: { amountMinor: 10_000n, currency: "usd" },
    },
    card: { brand: "visa", last4: "4242" },
    spentThisMonth: { amountMinor: 500n, currency: "usd" },
    capResetsAt: expect.any(Date),
    waiting: null,
    stopped: null,
    attempts: [
      {
        orderId: order!.id,
        at: clock.now(),
        status: "paid",
        credits: 100,
        price: { amountMinor: 500n, currency: "usd" },
        reason: null,
        message: null,
      },
    ],
  });
});

test("a pack that became dearer, smaller or disappeared is not bought: the tenant is told", async () => {
  for (const packs of [
    [],
    ctx.prices.packs.map((pack) => ({ ...pack, priceMinor: pack.priceMinor + 1 })),
    ctx.prices.packs.map((pack) => ({ ...pack, credits: pack.credits - 1 })),
  ]) {
    const bo = await lowTenant("bo");
    const changed = { ...ctx, prices: { ...ctx.prices, packs } };
    expect(await topUps(changed)).toEqual({ toppedUp: 0, topUpsFailed: 0 });
    expect(await autoTopUp(bo)).toMatchObject({ state: "stopped", stopped: { reason: "pack_changed" } });
    expect(await intentsOf(bo)).toEqual([]);
    expect(await toldOf(bo)).toHaveLength(1);
  }
});

test("where packs are sold with tax nothing is charged off session, for only a page works tax out", async () => {
  const bo = await lowTenant("bo");
  const prices = { ...ctx.prices, automaticTax: true };
  await expect(setAutoTopUp({ ...bo, prices }, TERMS)).rejects.toMatchObject({ code: "INVALID_INPUT" });
  await topUps({ ...ctx, prices });
  expect(await autoTopUp(bo)).toMatchObject({ state: "stopped", stopped: { reason: "pack_changed" } });
  expect(await intentsOf(bo)).toEqual([]);
});

test("a pack that became cheaper is bought at its price now", async () => {
  const cleo = await lowTenant("cleo");
  const packs = ctx.prices.packs.map((pack) => ({ ...pack, priceMinor: pack.priceMinor - 100 }));
  await topUps({ ...ctx, prices: { ...ctx.prices, packs } });
  expect(await intentsOf(cleo)).toMatchObject([{ amount: 400, status: "succeeded" }]);
});

test("who is blocked is not charged, and is again once the block is gone", async () => {
  const dan = await lowTenant("dan");
  await owner`insert into tenant_blocks values (${dan.tenant.id}, 'suspended', 'operator', now())`;
  await topUps(ctx);
  expect(await autoTopUp(dan)).toMatchObject({ state: "on", waiting: "debt" });
  expect(await intentsOf(dan)).toEqual([]);
  await owner`delete from tenant_blocks where tenant_id = ${dan.tenant.id}`;
  clock.advance({ hours: 1 });
  await topUps(ctx);
  expect(await creditsOf(dan)).toBe(100);
});
