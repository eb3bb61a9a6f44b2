import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { followDebt } from "@/server/credits/follow-debt";
import { grantCredits } from "@/server/credits/grant-credits";
import { inTenant } from "@/server/db/transaction";
import { jobs } from "@/server/jobs";
import { takeBackTo } from "@/server/ledger/take-back";
import { consume } from "@/server/quota/consume";
import { autoTopUp } from "@/server/top-ups/auto-top-up";
import { topUps } from "@/server/top-ups/jobs";
import { topUp } from "@/server/top-ups/top-up";
import { topUpStage } from "./top-ups";

const made = await stage({ poolSize: 10 });
const { ctx, clock, owner } = made;
const { lowTenant, chargesOf, creditsOf, give, isDue } = topUpStage(made);

/** The plan's own compute of a week; past it, each unit costs a credit. */
const ALLOWANCE = 100;
const spend = (tenantCtx: TenantCtx, units: number) => consume(tenantCtx, { feature: "compute", units });

/** On, with as many credits as given, nobody looking, and the week's allowance spent. */
async function watched(name: string, credits: number) {
  const tenantCtx = await lowTenant(name);
  await give(tenantCtx, credits, "promo:start");
  await topUps(ctx);
  await spend(tenantCtx, ALLOWANCE);
  expect(await isDue(tenantCtx)).toBe(false);
  return tenantCtx;
}

test("the draw that falls below the threshold makes the tenant due, and no draw before it does", async () => {
  const ada = await watched("ada", 60);
  await spend(ada, 10);
  expect(await isDue(ada)).toBe(false);
  await spend(ada, 1);
  expect(await isDue(ada)).toBe(true);
  await topUps(ctx);
  expect(await creditsOf(ada)).toBe(149);
  await topUps(ctx);
  expect(await isDue(ada)).toBe(false);
  expect(await chargesOf(ada)).toHaveLength(1);
});

test("a draw that is rolled back with the product's own transaction makes nobody due", async () => {
  const bo = await watched("bo", 60);
  const rolledBack = inTenant(bo, async (_tx, inner) => {
    await spend(inner, 20);
    throw new Error("the product changed its mind");
  });
  await expect(rolledBack).rejects.toThrow("changed its mind");
  expect(await isDue(bo)).toBe(false);
});

test("credits that expire unspent make the tenant due as well", async () => {
  const cleo = await lowTenant("cleo");
  const expiresAt = new Date(clock.now().getTime() + 86_400_000);
  await grantCredits(cleo, { amount: 90, kind: "promo", source: "promo:brief", expiresAt });
  await topUps(ctx);
  expect(await isDue(cleo)).toBe(false);
  clock.advance({ days: 1 });
  await jobs.reset(ctx);
  expect(await isDue(cleo)).toBe(true);
  await topUps(ctx);
  expect(await creditsOf(cleo)).toBe(100);
});

test("however draws and looks meet, nobody is left below the threshold without being due", async () => {
  for (let round = 0; round < 8; round += 1) {
    const dan = await watched("dan", 56);
    const draws = Array.from({ length: 8 }, () => spend(dan, 1));
    const looks = Array.from({ length: 4 }, () => topUp(dan));
    await Promise.all([...draws, ...looks]);
    for (let run = 0; run < 3; run += 1) await topUps(ctx);
    expect(await creditsOf(dan)).toBe(148);
    expect(await chargesOf(dan)).toHaveLength(1);
  }
});

test("who took the money back for credits already spent is not charged again by itself", async () => {
  const ada = await watched("ada", 60);
  await grantCredits(ada, { amount: 40, kind: "purchase", source: "payment:disputed" });
  await spend(ada, 100);
  await inTenant(ada, async (_tx, inner) => {
    await takeBackTo(inner, { source: "payment:disputed", target: 40, reason: "dispute" });
    await followDebt(inner);
  });
  for (let run = 0; run < 3; run += 1) await topUps(ctx);
  expect(await chargesOf(ada)).toEqual([]);
  expect(await autoTopUp(ada)).toMatchObject({ state: "on", waiting: "debt" });

  await grantCredits(ada, { amount: 45, kind: "purchase", source: "payment:by-hand" });
  await inTenant(ada, (_tx, inner) => followDebt(inner));
  clock.advance({ hours: 1 });
  for (let run = 0; run < 3; run += 1) await topUps(ctx);
  expect(await chargesOf(ada)).toHaveLength(1);
  expect(await creditsOf(ada)).toBe(105);
});

test("who is due is found by an index, however many are not", async () => {
  await owner`insert into tenants select 'ten_idle' || n, 'idle' || n, 'Idle', 'UTC', now() from generate_series(1, 5000) n`;
  await owner`insert into credit_accounts (tenant_id, top_up_at) select 'ten_idle' || n, 50 from generate_series(1, 5000) n`;
  await owner`analyze credit_accounts`;
  const plan = await owner`explain select tenant_id from credit_accounts
    where top_up_due_at is not null and top_up_due_at <= now() and tenant_id > '' order by tenant_id limit 100`;
  await owner`delete from tenants where tenant_id like 'ten_idle%'`;
  expect(JSON.stringify(plan)).toContain("credit_accounts_due");
});
