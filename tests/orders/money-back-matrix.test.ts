import { readFileSync } from "node:fs";
import { creditBusiness } from "@tests/support/credits";
import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { consume } from "@/server/quota/consume";
import { releaseHold } from "@/server/quota/release-hold";
import { type Reserved, reserve } from "@/server/quota/reserve";
import { moneyOf } from "./refunds";

/** 100 credits cost $10 and last 30 days. */
const amount = { minorUnits: 10, perUnits: 1, min: 10, max: 1_000, expiresAfterDays: 30 };
const set = await stage({ prices: creditBusiness({ free: undefined }, { amount }) });
const { tenant, buy, advance } = set;
const { refund, settleRefund, dispute, decide, worth, moves } = moneyOf(set);

const FORTY = 400;
const use = (ctx: TenantCtx, units: number) => consume(ctx, { feature: "pages", units });
const hold = async (ctx: TenantCtx, units: number) =>
  (await reserve(ctx, { feature: "pages", units })) as Reserved;

interface Before {
  happens(ctx: TenantCtx): Promise<unknown>;
  /** Of the 100: spent or held, and whether the rest expired. */
  used: number;
  expired?: true;
  /** Taken back, and bought besides. */
  back?: number;
  bought?: number;
}

/** What had happened to the 100 credits. */
const LOTS: Record<string, Before> = {
  untouched: { happens: async () => undefined, used: 0 },
  "60 spent": { happens: (ctx) => use(ctx, 60), used: 60 },
  "all spent": { happens: (ctx) => use(ctx, 100), used: 100 },
  "30 spent, the rest expired": {
    happens: async (ctx) => {
      await use(ctx, 30);
      await advance({ days: 31 });
    },
    used: 30,
    expired: true,
  },
  "80 held": { happens: (ctx) => hold(ctx, 80), used: 80 },
  "10 taken back before": { happens: (ctx) => refund(ctx, 100), used: 0, back: 10 },
  "all spent, 10 owed, and paid by 20 bought since": {
    happens: async (ctx) => {
      await use(ctx, 100);
      await refund(ctx, 100);
      await buy(ctx, { order: { credits: 20 } });
    },
    used: 100,
    back: 10,
    bought: 20,
  },
};

interface Money {
  happens(ctx: TenantCtx): Promise<unknown>;
  /** How many of the 100 credits' money is back in the end, if it was `before` until then. */
  back(before: number): number;
  bought?: number;
}

/** What then happens to the $10. */
const MONEY: Record<string, Money> = {
  "40 % refunded": { happens: (ctx) => refund(ctx, FORTY), back: (before) => before + 40 },
  "40 % refunded, twice": {
    happens: async (ctx) => {
      await refund(ctx, FORTY);
      await refund(ctx, FORTY);
    },
    back: (before) => before + 80,
  },
  "all that is left refunded": { happens: (ctx) => refund(ctx), back: () => 100 },
  "all that is left refunded, and sent back by the bank": {
    happens: async (ctx) => settleRefund(await refund(ctx), "failed"),
    back: (before) => before,
  },
  "all disputed": { happens: (ctx) => dispute(ctx), back: () => 100 },
  "all disputed, lost": {
    happens: async (ctx) => {
      await dispute(ctx);
      await decide(ctx, "lost");
    },
    back: () => 100,
  },
  "all disputed, won": {
    happens: async (ctx) => {
      await dispute(ctx);
      await decide(ctx, "won");
    },
    back: (before) => before,
  },
  "all disputed, 20 more bought, won": {
    happens: async (ctx) => {
      await dispute(ctx);
      await buy(ctx, { order: { credits: 20 } });
      await decide(ctx, "won");
    },
    back: (before) => before,
    bought: 20,
  },
  "40 % refunded, then all disputed": {
    happens: async (ctx) => {
      await refund(ctx, FORTY);
      await dispute(ctx);
    },
    back: () => 100,
  },
  "40 % refunded, all disputed, won": {
    happens: async (ctx) => {
      await refund(ctx, FORTY);
      await dispute(ctx);
      await decide(ctx, "won");
    },
    back: (before) => before + 40,
  },
};

/** Whatever the way: who used more than what is still paid for owes the difference, and nobody gets more than that. */
function lawful(money: Money, lots: Before, used: number): number {
  const left = 100 - money.back(lots.back ?? 0) - used;
  return (lots.expired ? Math.min(left, 0) : left) + (lots.bought ?? 0) + (money.bought ?? 0);
}

const rows = readFileSync("docs/money-back.md", "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| "))
  .map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
const [head = [], , ...body] = rows.slice(
  rows.findIndex(([first]) => first === "what happened to the money"),
);
const cells = body.flatMap(([money = "", ...row]) =>
  row.map((said, at) => ({ money, lots: head[at + 1] ?? "", said })),
);

test("the table has a cell for everything that may happen to the money and to the credits", () => {
  expect(head.slice(1)).toEqual(Object.keys(LOTS));
  expect(body.map(([money]) => money)).toEqual(Object.keys(MONEY));
  expect(cells).toHaveLength(Object.keys(LOTS).length * Object.keys(MONEY).length);
});

test.each(cells)("$money; $lots: $said", async (cell) => {
  const [money, lots] = [MONEY[cell.money]!, LOTS[cell.lots]!];
  const ctx = await tenant("ada");
  await buy(ctx, { order: { credits: 100 } });
  await lots.happens(ctx);
  const before = (await moves(ctx)).length;
  await money.happens(ctx);
  const left = await worth(ctx);
  expect(left).toBe(lawful(money, lots, lots.used));
  const written = (await moves(ctx)).slice(before).join(", ");
  expect(`${written} → ${String(left).replace("-", "−")}`).toBe(cell.said);
  if (cell.lots === "80 held") await heldNever(ctx, money, lots);
});

/** What was held and is given back comes to the same as if it had never been held. */
async function heldNever(ctx: TenantCtx, money: Money, lots: Before): Promise<void> {
  const [held] = await set.owner`select id from holds where tenant_id = ${ctx.tenant.id}`;
  await releaseHold(ctx, { holdId: held!.id as string });
  expect(await worth(ctx)).toBe(lawful(money, lots, 0));
}
