import { creditBusiness } from "@tests/support/credits";
import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import { balance } from "@/server/credits/balance";
import { grantSignUp } from "@/server/credits/grant-sign-up";
import { entitleDefault } from "@/server/entitlements/entitle";

const refill = { credits: 5, every: "month", first: 25 } as const;
const prices = creditBusiness({ free: refill }, { signUp: { credits: 100, expiresAfterDays: 30 } });
const { tenant, clock } = await world({ prices });

test("signing up seeds once, also when it is told 50 times at once", async () => {
  const ada = await tenant("ada");
  await Promise.all(Array.from({ length: 50 }, (_, n) => (n % 2 ? grantSignUp(ada) : entitleDefault(ada))));
  expect((await balance(ada)).lots.map(({ kind, remaining }) => [kind, remaining])).toEqual([
    ["replenish", 25],
    ["promo", 100],
  ]);
  clock.advance({ days: 30 });
  await grantSignUp(ada);
  expect((await balance(ada)).lots.map(({ kind }) => kind)).toEqual(["replenish"]);
});

test("a business that gives nothing at sign-up gives nothing", async () => {
  const bo = await tenant("bo");
  await grantSignUp({ ...bo, prices: { ...prices, credits: undefined } });
  expect((await balance(bo)).available).toBe(25);
});
