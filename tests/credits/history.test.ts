import { business, meterOf } from "@tests/entitlements/business";
import { world } from "@tests/support/world";
import { describe, expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { grantCredits } from "@/server/credits/grant-credits";
import { history, type Movement } from "@/server/credits/history";
import type { MovementGroup } from "@/server/credits/rules";
import { statement } from "@/server/credits/statement";
import { consume } from "@/server/quota/consume";

const prices = business(
  {
    compute: meterOf({ window: "week", overflow: { to: "credits", credits: 1, perUnits: 1 } }),
    kept: meterOf({ window: "month", align: "calendar", rollover: { maxUnits: 150, windows: 2 } }),
  },
  { free: { compute: 10, kept: 100 }, pro: { compute: 100, kept: 100 } },
);
const { tenant, owner, clock } = await world({ prices });

const give = (to: TenantCtx, amount: number, source: string, more: { expiresAt?: Date } = {}) =>
  grantCredits(to, { amount, kind: "purchase", source, ...more });
const take = (of: TenantCtx, units: number) => consume(of, { feature: "compute", units });

async function left(of: TenantCtx, unit = "credits"): Promise<number> {
  const [row] =
    await owner`select coalesce(sum(remaining), 0) as units from lots where tenant_id = ${of.tenant.id} and unit = ${unit}`;
  return Number(row!.units);
}

async function walk(
  of: TenantCtx,
  limit: number,
  group?: MovementGroup,
  unit = "credits",
): Promise<Movement[]> {
  const rows: Movement[] = [];
  let cursor: string | undefined;
  do {
    const page = await history(of, { unit, limit, group, cursor });
    rows.push(...page.rows);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return rows;
}

function addsUp(rows: readonly Movement[], now: number, opening = 0): void {
  let balanceAfter = now;
  for (const row of rows) {
    expect(row.balanceAfter).toBe(balanceAfter);
    balanceAfter -= row.movement;
  }
  expect(balanceAfter).toBe(opening);
}

describe("a history", () => {
  test("of some days shows their rows with the balances of the whole history", async () => {
    clock.set("2026-03-02T09:00:00.000Z");
    const bo = await tenant("bo", "Pacific/Auckland");
    await give(bo, 100, "payment:1");
    clock.set("2026-03-10T10:59:00.000Z");
    await take(bo, 30);
    clock.set("2026-03-10T11:01:00.000Z"); // The 11th in Auckland.
    await give(bo, 5, "payment:2");
    clock.set("2026-03-20T09:00:00.000Z");
    await take(bo, 13);

    const of = async (from?: string, to?: string) =>
      (await history(bo, { from, to })).rows.map(({ movement, balanceAfter }) => [movement, balanceAfter]);
    expect(await of()).toEqual([
      [-3, 82],
      [5, 85],
      [-20, 80],
      [100, 100],
    ]);
    expect(await of("2026-03-11", "2026-03-11")).toEqual([[5, 85]]);
    expect(await of(undefined, "2026-03-10")).toEqual([
      [-20, 80],
      [100, 100],
    ]);
    expect(await of("2026-03-12")).toEqual([[-3, 82]]);
    expect(await of("2027-01-01", "2026-01-01")).toEqual([]);
  });

  test("goes on where it stood, whatever is written meanwhile", async () => {
    clock.set("2026-03-02T09:00:00.000Z");
    const cleo = await tenant("cleo");
    for (const at of [1, 2, 3, 4]) await give(cleo, at, `payment:${at}`);
    const first = await history(cleo, { limit: 2 });
    await give(cleo, 90, "payment:late");
    const second = await history(cleo, { limit: 2, cursor: first.nextCursor! });
    addsUp([...first.rows, ...second.rows], 10);
    expect(second.nextCursor).toBeNull();
  });

  test("of a meter's own lots leaves its windows' allowance out", async () => {
    clock.set("2026-01-10T09:00:00.000Z");
    const dan = await tenant("dan");
    await consume(dan, { feature: "kept", units: 30 });
    clock.set("2026-02-10T09:00:00.000Z");
    await consume(dan, { feature: "kept", units: 120 });
    const rows = await walk(dan, 50, undefined, "kept");
    expect(rows.map(({ operation, movement, balanceAfter }) => [operation, movement, balanceAfter])).toEqual([
      ["consume", -20, 50],
      ["grant", 70, 70],
    ]);
    addsUp(rows, await left(dan, "kept"));
  });
});

test("a month that has not begun has no statement", async () => {
  clock.set("2027-05-31T13:00:00.000Z");
  const fay = await tenant("fay", "Pacific/Auckland");
  expect(await statement(fay)).toMatchObject({
    month: "2027-06",
    complete: false,
    previous: null,
    next: null,
  });
  await expect(statement(fay, { month: "2027-07" })).rejects.toMatchObject({ code: "INVALID_INPUT" });
  expect(await statement(fay, { month: "2027-05" })).toMatchObject({
    opening: 0,
    granted: [],
    closing: 0,
    next: "2027-06",
  });
});
