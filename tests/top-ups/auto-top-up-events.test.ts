import { overlapping } from "@tests/support/interleave";
import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import { topUps } from "@/server/top-ups/jobs";
import { topUpAttempts } from "@/server/top-ups/tables";
import { resumeTopUp, topUp } from "@/server/top-ups/top-up";
import { settleTopUp } from "@/server/top-ups/top-up-settlement";
import { topUpStage } from "./top-ups";

const made = await stage({ poolSize: 10 });
const { ctx, simulator, settled } = made;
const { lowTenant, chargesOf, attemptsOf, creditsOf, lapse, toldOf, dyingStripe } = topUpStage(made);

/** A run that dies right after the card was charged; Stripe's events are kept until they are let go. */
async function dieAfterCharge(name: string, card?: string, threshold = 50) {
  const tenantCtx = await lowTenant(name, { threshold }, card);
  await settled();
  simulator.control.setMode({ hold: true });
  const { stripe, died } = dyingStripe(4, "after");
  void topUp({ ...tenantCtx, stripe });
  await died;
  return tenantCtx;
}

async function letGo() {
  simulator.control.setMode({ hold: false });
  await settled();
}

test("Stripe's event brings what a run that died had paid for, before cron looks", async () => {
  const ada = await dieAfterCharge("ada");
  await lapse(ada);
  expect(await creditsOf(ada)).toBe(0);
  await letGo();
  expect(await creditsOf(ada)).toBe(100);
  expect(await attemptsOf(ada)).toMatchObject([{ status: "paid" }]);
});

test("events, twice and in reverse, beside cron, give one pack", async () => {
  const bo = await dieAfterCharge("bo");
  await lapse(bo);
  simulator.control.setMode({ duplicate: true, reverse: true });
  await Promise.all([letGo(), topUps(ctx), topUps(ctx)]);
  await topUps(ctx);
  simulator.control.setMode({ duplicate: false, reverse: false });
  expect(await creditsOf(bo)).toBe(100);
  expect(await chargesOf(bo)).toHaveLength(1);
});

test("an event about a decline stops it, and tells once", async () => {
  const cleo = await dieAfterCharge("cleo", "pm_card_chargeCustomerFail");
  await lapse(cleo);
  await letGo();
  await topUps(ctx);
  expect(await toldOf(cleo)).toHaveLength(1);
  expect(await chargesOf(cleo)).toHaveLength(1);
});

test("an event about a payment whose run is still alive changes nothing: the run ends it itself", async () => {
  const dan = await dieAfterCharge("dan");
  await letGo();
  expect(await attemptsOf(dan)).toMatchObject([{ status: "in_flight" }]);
  await lapse(dan);
  await topUps(ctx);
  expect(await creditsOf(dan)).toBe(100);
});

test("an event about a payment that ends at this instant begins no other, even if one is due: that is cron's", async () => {
  const ada = await dieAfterCharge("ada", undefined, 150);
  const [, resumed] = await overlapping(
    made,
    ada,
    async (inner) => {
      const [attempt] = await inner.tx.select().from(topUpAttempts);
      const intent = await made.stripe.paymentIntents.retrieve(attempt!.paymentId!);
      return settleTopUp(inner, attempt!, { outcome: { kind: "paid" }, intent });
    },
    () => resumeTopUp(ada),
  );
  expect(resumed).toBeNull();
  await letGo();
  expect(await chargesOf(ada)).toHaveLength(1);
  await topUps(ctx);
  expect(await chargesOf(ada)).toHaveLength(2);
});
