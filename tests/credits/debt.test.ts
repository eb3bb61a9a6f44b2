import { creditBusiness } from "@tests/support/credits";
import { newTenant, world } from "@tests/support/world";
import { expect, test } from "vitest";
import type { CreditRules } from "@/lib/price-list";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { followDebt } from "@/server/credits/follow-debt";
import { grantCredits } from "@/server/credits/grant-credits";
import { followDebts } from "@/server/credits/jobs";
import { inTenant } from "@/server/db/transaction";
import { block } from "@/server/entitlements/block";
import { debtOf } from "@/server/ledger/debt";
import { takeBackTo } from "@/server/ledger/take-back";
import { consume } from "@/server/quota/consume";
import { releaseHold } from "@/server/quota/release-hold";
import { type Reserved, reserve } from "@/server/quota/reserve";

const prices = creditBusiness({ free: undefined });
const { ctx, clock, owner } = await world({ prices, poolSize: 10 });

const tenantWith = (debt?: CreditRules["debt"]) =>
  newTenant({ ...ctx, prices: { ...prices, credits: { debt } } }, "ada");
const spend = (of: TenantCtx, units: number) => consume(of, { feature: "pages", units });
const buy = (of: TenantCtx, amount: number, source: string) =>
  inTenant(of, async (_tx, inner) => {
    const grant = await grantCredits(inner, { amount, kind: "purchase", source });
    await followDebt(inner);
    return grant;
  });
const takeBack = (of: TenantCtx, source: string, target: number) =>
  inTenant(of, async (_tx, inner) => {
    const taken = await takeBackTo(inner, { source, target, reason: "chargeback" });
    await followDebt(inner);
    return taken;
  });
/** Bought `amount`, spent it, and had the money back for it. */
async function indebted(amount: number, debt?: CreditRules["debt"]): Promise<TenantCtx> {
  const ada = await tenantWith(debt);
  await buy(ada, amount, "order:1");
  await spend(ada, amount);
  await takeBack(ada, "order:1", amount);
  return ada;
}
const blocked = async (of: TenantCtx) => {
  const receipt = await spend(of, 1);
  return receipt.allowed ? null : (receipt.blockedBecause ?? receipt.reason);
};

test("who owes is blocked, until a purchase has paid it all, in the same transaction", async () => {
  const ada = await indebted(100);
  expect(await blocked(ada)).toBe("debt");
  await buy(ada, 60, "order:2");
  expect(await blocked(ada)).toBe("debt");
  await expect(
    inTenant(ada, async (_tx, inner) => {
      await buy(inner, 60, "order:3");
      throw new Error("crash");
    }),
  ).rejects.toThrow("crash");
  expect(await blocked(ada)).toBe("debt");
  expect(await buy(ada, 60, "order:3")).toMatchObject({ repaid: 40 });
  expect(await blocked(ada)).toBe(null);
  expect((await balance(ada)).available).toBe(19);
});

test("a won dispute unblocks; another reason to be blocked stays", async () => {
  const ada = await indebted(100);
  await block(ada, { reason: "past_due" });
  await takeBack(ada, "order:1", 0);
  expect(await blocked(ada)).toBe("past_due");
});

test("where the price list allows a debt, it is blocked past the amount or the days, with cron's help", async () => {
  const ada = await indebted(100, { allowUntil: { credits: 100, days: 7 } });
  await buy(ada, 10, "order:2");
  await takeBack(ada, "order:2", 0);
  expect(await debtOf(ada)).toMatchObject({ owed: 90 });
  await grantCredits(ada, { amount: 5, kind: "promo", source: "gift" });
  expect(await blocked(ada)).toBe(null);
  clock.advance({ days: 7 });
  expect(await blocked(ada)).toBe(null);
  await followDebts({ ...ctx, prices: ada.prices });
  await followDebts({ ...ctx, prices: ada.prices });
  expect(await blocked(ada)).toBe("debt");
  await buy(ada, 90, "order:4");
  expect(await blocked(ada)).toBe(null);

  const bo = await indebted(101, { allowUntil: { credits: 100, days: 7 } });
  expect(await blocked(bo)).toBe("debt");
});

test("a hold that comes back pays the debt of its lot, and cron lets the tenant go on", async () => {
  const ada = await tenantWith();
  await buy(ada, 100, "order:1");
  const held = (await reserve(ada, { feature: "pages", units: 100 })) as Reserved;
  await takeBack(ada, "order:1", 100);
  await grantCredits(ada, { amount: 5, kind: "promo", source: "gift" });
  expect(await blocked(ada)).toBe("debt");
  await releaseHold(ada, { holdId: held.holdId });
  await followDebts(ctx);
  expect(await blocked(ada)).toBe(null);
});

test("only a purchase pays: a gift is the tenant's to keep", async () => {
  const ada = await indebted(10);
  await grantCredits(ada, { amount: 100, kind: "promo", source: "gift" });
  expect(await debtOf(ada)).toMatchObject({ owed: 10 });
  expect((await balance(ada)).available).toBe(100);
});

test("since when it is owed begins anew once it was settled", async () => {
  const ada = await indebted(10);
  const first = clock.now();
  clock.advance({ days: 1 });
  expect(await debtOf(ada)).toEqual({ owed: 10, since: first });
  await buy(ada, 10, "order:2");
  clock.advance({ days: 1 });
  await takeBack(ada, "order:2", 10);
  expect(await debtOf(ada)).toEqual({ owed: 10, since: clock.now() });
});

test("the same chargeback, top-up and won dispute told 50 times at once, among draws: one effect each", async () => {
  const ada = await tenantWith();
  await buy(ada, 100, "order:1");
  await spend(ada, 60);
  await Promise.all(
    Array.from({ length: 50 }, (_, n) =>
      [
        () => takeBack(ada, "order:1", 100),
        () => buy(ada, 80, "order:2"),
        () => spend(ada, 1),
        () => takeBack(ada, "order:2", 40),
      ][n % 4]!(),
    ),
  );
  await takeBack(ada, "order:1", 0);
  await takeBack(ada, "order:2", 0);
  const [drawn] =
    await owner`select sum(credits) as n from entries where tenant_id = ${ada.tenant.id} and operation = 'consume'`;
  expect(await debtOf(ada)).toMatchObject({ owed: 0 });
  expect((await balance(ada)).available).toBe(180 - Number(drawn!.n));
  const counted =
    await owner`select count(*) as n from entries where tenant_id = ${ada.tenant.id} and operation = 'grant' and feature = 'credits'`;
  expect(Number(counted[0]!.n)).toBe(2);
});
