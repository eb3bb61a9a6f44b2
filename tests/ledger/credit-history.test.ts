import { TestClock } from "@tests/support/clock";
import { creditBusiness } from "@tests/support/credits";
import { seed } from "@tests/support/seed";
import { newTenant, world } from "@tests/support/world";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { grantCredits } from "@/server/credits/grant-credits";
import { debtOf } from "@/server/ledger/debt";
import { takeBackTo } from "@/server/ledger/take-back";
import { writeOffExpired } from "@/server/ledger/write-off";
import { commit } from "@/server/quota/commit";
import { consume } from "@/server/quota/consume";
import { refund } from "@/server/quota/refund";
import { releaseHold } from "@/server/quota/release-hold";
import { reserve } from "@/server/quota/reserve";
import { histories, type Step } from "./credit-histories";

/** Few: `tests/proof/credits.test.ts` plays 500 against a model. These say it in figures that need no model. */
const HISTORIES = 120;
/** Played at the same time, each with a clock and a tenant of its own. */
const LANES = 4;
const prices = creditBusiness({ free: { credits: 7, every: "day" } }, { lowBalance: 5 });
// Later than any history: what they leave open has long expired when the books are checked.
const { ctx, owner } = await world({ prices, start: "2027-01-01T00:00:00.000Z" });

class History {
  readonly clock = new TestClock();
  readonly bought: { source: string; units: number; target: number }[] = [];
  readonly charges: { entryId: string; left: number }[] = [];
  readonly holds: { holdId: string; units: number }[] = [];
  #made = 0;

  constructor(readonly tenant: TenantCtx) {}

  /** Under a name of its own: who wants the same one waits for the other. */
  static async begin(lane: number): Promise<History> {
    const clock = new TestClock();
    const history = new History(await newTenant({ ...ctx, now: clock.now }, `ada-${lane}`));
    Object.assign(history, { clock });
    return history;
  }

  async play(step: Step): Promise<unknown> {
    switch (step.do) {
      case "grant":
        return this.#grant(step);
      case "consume":
        return this.#consume(step.units);
      case "refund":
        return this.#refund(step);
      case "hold":
        return this.#hold(step.units);
      case "release":
      case "commit":
        return this.#settle(step);
      case "takeBack":
        return this.#takeBack(step);
      case "wait":
        return this.clock.advance({ hours: step.hours });
      case "writeOff":
        return writeOffExpired(this.tenant);
    }
  }

  async #grant({ units, kind, days }: Extract<Step, { do: "grant" }>): Promise<void> {
    this.#made += 1;
    const source = `order:${this.#made}`;
    const expiresAt = days === null ? null : new Date(this.clock.now().getTime() + days * 86_400_000);
    await grantCredits(this.tenant, { amount: units, kind, source, expiresAt });
    this.bought.push({ source, units, target: 0 });
  }

  async #consume(units: number): Promise<void> {
    const receipt = await consume(this.tenant, { feature: "pages", units });
    if (receipt.allowed) this.charges.push({ entryId: receipt.entryId!, left: units });
  }

  async #refund({ which, percent }: { which: number; percent: number }): Promise<void> {
    const charge = this.charges[which % this.charges.length];
    const units = charge ? Math.ceil((charge.left * percent) / 100) : 0;
    if (!charge || units === 0) return;
    this.#made += 1;
    await refund(this.tenant, {
      entryId: charge.entryId,
      units,
      key: `refund-${this.#made}`,
      reason: "sorry",
    });
    charge.left -= units;
  }

  async #hold(units: number): Promise<void> {
    const held = await reserve(this.tenant, { feature: "pages", units, expiresInSeconds: 3_600 });
    if (held.allowed) this.holds.push({ holdId: held.holdId, units });
  }

  async #settle(step: Extract<Step, { do: "release" | "commit" }>): Promise<void> {
    const [held] = this.holds.splice(step.which % this.holds.length, 1);
    if (!held) return;
    if (step.do === "release") await releaseHold(this.tenant, { holdId: held.holdId });
    else
      await commit(this.tenant, {
        holdId: held.holdId,
        units: Math.floor((held.units * step.percent) / 100),
      });
  }

  async #takeBack({ which, percent }: { which: number; percent: number }): Promise<void> {
    const lot = this.bought[which % this.bought.length]!;
    lot.target = Math.floor((lot.units * percent) / 100);
    await takeBackTo(this.tenant, { source: lot.source, target: lot.target, reason: "money back" });
  }
}

interface Figures {
  source: string;
  granted: number;
  remaining: number;
  taken: number;
  off: number;
  repaid: number;
  amount: number;
  outstanding: number;
}

async function figures(history: History): Promise<Figures[]> {
  const rows = await owner`
    select l.source, l.granted, l.remaining, l.taken_back as taken, l.written_off as off, l.repaid, coalesce(d.amount, 0) as amount, coalesce(d.outstanding, 0) as outstanding
    from lots l left join debts d on d.tenant_id = l.tenant_id and d.lot_id = l.id where l.tenant_id = ${history.tenant.tenant.id} order by l.id`;
  return rows.map(({ source, ...row }) => {
    const numbers = Object.fromEntries(Object.entries(row).map(([name, value]) => [name, Number(value)]));
    return { source, ...numbers } as unknown as Figures;
  });
}

const usedOf = (lot: Figures) => lot.granted - lot.remaining - lot.taken - lot.off - lot.repaid;
const sum = (of: Figures[], pick: (lot: Figures) => number) => of.reduce((all, lot) => all + pick(lot), 0);

/** What was told to be back is back, owed, or had expired unused: never more, never less. */
function nothingFree(history: History, lots: Figures[]): void {
  for (const { source, target } of history.bought) {
    const lot = lots.find((row) => row.source === source)!;
    expect(lot.taken + lot.amount, `${source}: no more is back than told`).toBeLessThanOrEqual(target);
    expect(lot.taken + lot.amount + lot.off, `${source}: no less is back than told`).toBeGreaterThanOrEqual(
      target,
    );
  }
  expect(Math.min(...lots.map(usedOf))).toBeGreaterThanOrEqual(0);
}

test(`${HISTORIES} histories of buying, spending, holding, refunding, charging back and expiring: the books balance, nothing is free`, async () => {
  const play = async (steps: Step[], lane: number) => {
    const history = await History.begin(lane);
    for (const step of steps) await history.play(step);
    const lots = await figures(history);
    nothingFree(history, lots);

    // The last word told again, in another order: nothing moves.
    for (const { source, target } of [...history.bought].reverse())
      await takeBackTo(history.tenant, { source, target, reason: "told again" });
    await writeOffExpired(history.tenant);
    const settled = await figures(history);
    nothingFree(history, settled);
    expect(sum(settled, (lot) => lot.amount)).toBe(sum(lots, (lot) => lot.amount));

    // All money goes back: all that was used of what was sold is owed, and nothing of it can be spent.
    for (const lot of history.bought) {
      lot.target = lot.units;
      await takeBackTo(history.tenant, { source: lot.source, target: lot.units, reason: "all" });
    }
    const sold = (await figures(history)).filter((lot) => lot.source.startsWith("order:"));
    const { owed } = await debtOf(history.tenant);
    expect(owed).toBeGreaterThanOrEqual(sum(sold, usedOf));
    expect(
      (await balance(history.tenant)).lots.filter(
        (lot) => lot.kind === "purchase" && lot.remaining > 0 && owed > 0,
      ),
    ).toEqual([]);

    // A purchase of just that pays it, and leaves nothing of itself.
    if (owed > 0) await grantCredits(history.tenant, { amount: owed, kind: "purchase", source: "settling" });
    expect(await debtOf(history.tenant)).toEqual({ owed: 0, since: null });
  };
  await Promise.all(
    Array.from({ length: LANES }, (_, lane) =>
      fc.assert(
        fc.asyncProperty(histories, (steps) => play(steps, lane)),
        { numRuns: HISTORIES / LANES, seed: seed + lane },
      ),
    ),
  );
}, 600_000);
