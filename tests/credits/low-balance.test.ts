import { creditBusiness } from "@tests/support/credits";
import { newTenant, world } from "@tests/support/world";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { grantCredits } from "@/server/credits/grant-credits";
import { expireLots } from "@/server/credits/jobs";
import { entitleDefault } from "@/server/entitlements/entitle";
import { takeBackTo } from "@/server/ledger/take-back";
import { consume } from "@/server/quota/consume";
import { releaseHold } from "@/server/quota/release-hold";
import { type Reserved, reserve } from "@/server/quota/reserve";

const prices = creditBusiness({ free: undefined }, { lowBalance: 10 });
const { tenant, ctx, clock, owner } = await world({ prices, poolSize: 10 });

const grant = (of: TenantCtx, amount: number, source: string, expiresAt?: Date) =>
  grantCredits(of, { amount, kind: "purchase", source, expiresAt });
const spend = (of: TenantCtx, units: number) => consume(of, { feature: "pages", units });
const told = async (of: TenantCtx) =>
  (
    await owner`select payload from outbox where tenant_id = ${of.tenant.id} and type = 'credits.low' order by created_at, id`
  ).map((row) => row.payload.left);

test("falling below the mark is told once, and again only after there was enough in between", async () => {
  const ada = await tenant("ada");
  expect(await told(ada)).toEqual([]);
  await grant(ada, 20, "order:1");
  await spend(ada, 10);
  expect(await told(ada)).toEqual([]);
  await spend(ada, 1);
  await spend(ada, 2);
  expect(await told(ada)).toEqual([9]);
  await grant(ada, 2, "order:2");
  await spend(ada, 1);
  expect(await told(ada)).toEqual([9]);
  await grant(ada, 5, "order:3");
  await spend(ada, 5);
  expect((await told(ada)).sort()).toEqual([8, 9]);
});

test("a hold, what is taken back and what expires cross it as a draw does", async () => {
  const ada = await tenant("ada");
  await grant(ada, 12, "order:1");
  const { holdId } = (await reserve(ada, { feature: "pages", units: 6 })) as Reserved;
  await releaseHold(ada, { holdId });
  expect(await told(ada)).toEqual([6]);
  await takeBackTo(ada, { source: "order:1", target: 5, reason: "refund" });
  expect(await told(ada)).toHaveLength(2);
  await grant(ada, 10, "order:2", new Date(clock.now().getTime() + 1_000));
  clock.advance({ seconds: 1 });
  await expireLots(ctx);
  expect(await told(ada)).toHaveLength(3);
});

test("calls that travel in one batch, and 50 at once, tell it once", async () => {
  const ada = await tenant("ada");
  await grant(ada, 60, "order:1");
  const receipts = await Promise.all(
    Array.from({ length: 55 }, (_, n) =>
      n % 11 ? spend(ada, 1) : consume(ada, { feature: "images", units: 1 }),
    ),
  );
  expect(receipts.filter((receipt) => receipt.allowed).length).toBeGreaterThan(49);
  expect(await told(ada)).toHaveLength(1);
});

test("a new mark counts from then on, and none tells nobody", async () => {
  const ada = await newTenant({ ...ctx, prices: { ...prices, credits: {} } }, "ada");
  await grant(ada, 50, "order:1");
  await spend(ada, 45);
  expect(await told(ada)).toEqual([]);
  await entitleDefault({ ...ada, prices });
  await spend(ada, 1);
  expect(await told(ada)).toEqual([]);
  await grant(ada, 50, "order:2");
  await spend(ada, 50);
  expect(await told(ada)).toEqual([4]);
});
