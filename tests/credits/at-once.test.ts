import { creditBusiness } from "@tests/support/credits";
import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { followDebt } from "@/server/credits/follow-debt";
import { grantCredits } from "@/server/credits/grant-credits";
import { expireLots } from "@/server/credits/jobs";
import { inTenant } from "@/server/db/transaction";
import { entitleDefault } from "@/server/entitlements/entitle";
import { takeBackTo } from "@/server/ledger/take-back";
import { consume } from "@/server/quota/consume";
import { rollDue, sweepHolds } from "@/server/quota/jobs";
import { refund } from "@/server/quota/refund";
import { releaseHold } from "@/server/quota/release-hold";
import { reserve } from "@/server/quota/reserve";

const prices = creditBusiness(
  { free: { credits: 9, every: "day" } },
  { lowBalance: 10, debt: { allowUntil: { credits: 1_000, days: 1_000 } } },
);
const { tenant, ctx, clock, owner } = await world({ prices, poolSize: 12 });

const hour = 3_600_000;
const features = ["pages", "images"] as const;

async function buy(of: TenantCtx, order: number) {
  await inTenant(of, async (_tx, inner) => {
    const expiresAt = order % 3 ? null : new Date(clock.now().getTime() + 20 * hour);
    await grantCredits(inner, { amount: 20, kind: "purchase", source: `order:${order}`, expiresAt });
    await followDebt(inner);
  });
}

async function moneyBack(of: TenantCtx, order: number, target: number) {
  await inTenant(of, async (_tx, inner) => {
    await takeBackTo(inner, { source: `order:${order}`, target, reason: "dispute" });
    await followDebt(inner);
  });
}

async function consumeAndRefund(of: TenantCtx, n: number) {
  const receipt = await consume(of, { feature: features[n % 2]!, units: 2 });
  if (receipt.allowed) await refund(of, { entryId: receipt.entryId!, key: `r${n}`, reason: "sorry" });
}

async function holdAndRelease(of: TenantCtx, n: number) {
  const held = await reserve(of, { feature: features[n % 2]!, units: 3, expiresInSeconds: n % 4 ? 900 : 1 });
  if (held.allowed && n % 4) await releaseHold(of, { holdId: held.holdId });
}

test("everything that moves credits at once, round after round: the books balance and nothing deadlocks", async () => {
  const ada = await tenant("ada");
  for (let order = 0; order < 4; order += 1) await buy(ada, order);
  for (let round = 0; round < 8; round += 1) {
    const calls = [
      (n: number) => consume(ada, { feature: features[n % 2]!, units: 1 + (n % 5) }),
      (n: number) => buy(ada, 4 + 2 * round + (n % 2)),
      (n: number) => moneyBack(ada, (round + n) % 4, (n * 7) % 21),
      (n: number) => consumeAndRefund(ada, round * 100 + n),
      (n: number) => holdAndRelease(ada, n),
      () => balance(ada),
      () => expireLots(ctx),
      () => rollDue(ctx),
      () => sweepHolds(ctx),
      () => entitleDefault(ada),
    ];
    await Promise.all(Array.from({ length: 30 }, (_, n) => calls[n % calls.length]!(n)));
    clock.advance({ hours: 13 });
  }
  await balance(ada);
  const [row] = await owner`select deadlocks from pg_stat_database where datname = current_database()`;
  expect(Number(row!.deadlocks)).toBe(0);
}, 120_000);
