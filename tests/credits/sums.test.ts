import { DAY_MS } from "@tests/entitlements/business";
import { creditBusiness } from "@tests/support/credits";
import { world } from "@tests/support/world";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { grantCredits } from "@/server/credits/grant-credits";
import { history, type Movement } from "@/server/credits/history";
import { lifetime } from "@/server/credits/lifetime";
import { MOVEMENT_GROUPS, type MovementGroup } from "@/server/credits/rules";
import { type Statement, statement } from "@/server/credits/statement";
import { takeBackTo } from "@/server/ledger/take-back";
import { commit } from "@/server/quota/commit";
import { consume } from "@/server/quota/consume";
import { refund } from "@/server/quota/refund";
import { releaseHold } from "@/server/quota/release-hold";
import { reserve } from "@/server/quota/reserve";

const { tenant, owner, clock } = await world({
  prices: creditBusiness({ free: { credits: 9, every: "week", first: 15 } }),
});

type Deed =
  | { do: "grant"; units: number; days: number | null }
  | { do: "take"; units: number }
  | { do: "hold"; units: number; used: number | null }
  | { do: "refund" }
  | { do: "takeBack"; percent: number }
  | { do: "wait"; hours: number };

const units = fc.integer({ min: 1, max: 60 });
const deed: fc.Arbitrary<Deed> = fc.oneof(
  fc.record({ do: fc.constant("grant" as const), units, days: fc.option(fc.integer({ min: 1, max: 40 })) }),
  fc.record({ do: fc.constant("take" as const), units }),
  fc.record({ do: fc.constant("hold" as const), units, used: fc.option(units) }),
  fc.record({ do: fc.constant("refund" as const) }),
  fc.record({ do: fc.constant("takeBack" as const), percent: fc.integer({ min: 0, max: 100 }) }),
  fc.record({ do: fc.constant("wait" as const), hours: fc.integer({ min: 1, max: 400 }) }),
);

async function play(of: TenantCtx, deeds: readonly Deed[]): Promise<void> {
  const charged: string[] = [];
  const bought: { source: string; amount: number }[] = [];
  for (const [at, one] of deeds.entries()) {
    if (one.do === "grant") {
      const expiresAt = one.days === null ? null : new Date(clock.now().getTime() + one.days * DAY_MS);
      const [source, amount] = [`payment:${at}`, one.units];
      await grantCredits(of, { amount, kind: "purchase", source, expiresAt });
      bought.push({ source, amount });
    }
    const lot = one.do === "takeBack" ? bought[at % bought.length] : undefined;
    if (one.do === "takeBack" && lot)
      await takeBackTo(of, {
        source: lot.source,
        target: Math.floor((lot.amount * one.percent) / 100),
        reason: "refund",
      });
    if (one.do === "take") {
      const answer = await consume(of, { feature: "pages", units: one.units });
      if (answer.allowed) charged.push(answer.entryId);
    }
    if (one.do === "hold") {
      const held = await reserve(of, { feature: "pages", units: one.units, overflow: "cap" });
      if (held.allowed && one.used === null) await releaseHold(of, { holdId: held.entryId });
      if (held.allowed && one.used !== null) await commit(of, { holdId: held.entryId, units: one.used });
    }
    const entryId = one.do === "refund" ? charged.pop() : undefined;
    if (entryId) await refund(of, { entryId, key: `refund:${at}`, reason: "wish" });
    if (one.do === "wait") clock.advance({ hours: one.hours });
  }
}

async function left(of: TenantCtx): Promise<number> {
  const [row] =
    await owner`select coalesce(sum(remaining), 0) as units from lots where tenant_id = ${of.tenant.id}`;
  return Number(row!.units);
}

async function walk(of: TenantCtx, limit: number, group?: MovementGroup): Promise<Movement[]> {
  const rows: Movement[] = [];
  let cursor: string | undefined;
  do {
    const page = await history(of, { limit, group, cursor });
    rows.push(...page.rows);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return rows;
}

test("any history, statement and lifetime adds up to what the lots have left, filtered or not, page by page", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(deed, { minLength: 1, maxLength: 25 }),
      fc.integer({ min: 1, max: 7 }),
      fc.constantFrom("UTC", "Pacific/Auckland", "America/New_York"),
      async (deeds, limit, timeZone) => {
        clock.set("2026-03-02T09:00:00.000Z");
        const ada = await tenant("ada", timeZone);
        await play(ada, deeds);
        const { available } = await balance(ada);
        expect(await left(ada)).toBe(available);
        await historyAddsUp(ada, available, limit);
        await statementsAddUp(ada, available);
        await lifetimeAddsUp(ada, available);
      },
    ),
    { numRuns: 40 },
  );
});

async function historyAddsUp(of: TenantCtx, now: number, limit: number): Promise<void> {
  const rows = await walk(of, limit);
  let balanceAfter = now;
  for (const row of rows) {
    expect(row.balanceAfter).toBe(balanceAfter);
    expect(balanceAfter).toBeGreaterThanOrEqual(0);
    balanceAfter -= row.movement;
  }
  expect(balanceAfter).toBe(0);
  const shown = new Map(rows.map((row) => [row.entryId, row]));
  const filtered = (await Promise.all(MOVEMENT_GROUPS.map((group) => walk(of, limit, group)))).flat();
  expect(filtered.length).toBe(rows.length);
  for (const row of filtered) expect(row).toEqual(shown.get(row.entryId));
}

async function statementsAddUp(of: TenantCtx, now: number): Promise<void> {
  let closing = now;
  for (let month: string | undefined; ; ) {
    const one: Statement = await statement(of, { month });
    const granted = one.granted.reduce((sum, { units: more }) => sum + more, 0);
    expect(one.opening + granted - one.consumed - one.expired - one.takenBack - one.repaid).toBe(one.closing);
    expect(one.closing).toBe(closing);
    closing = one.opening;
    if (one.previous === null) break;
    month = one.previous;
  }
  expect(closing).toBe(0);
}

async function lifetimeAddsUp(of: TenantCtx, now: number): Promise<void> {
  const all = await lifetime(of);
  expect(all.remaining).toBe(now);
  expect(all.granted - all.consumed - all.expired - all.takenBack - all.repaid).toBe(now);
  expect(all.byKind.reduce((sum, { units: granted }) => sum + granted, 0)).toBe(all.granted);
  for (const figure of [all.consumed, all.expired, all.takenBack, all.repaid])
    expect(figure).toBeGreaterThanOrEqual(0);
}
