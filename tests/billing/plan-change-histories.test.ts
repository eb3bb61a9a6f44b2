import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import { definePriceList } from "@/lib/price-list";
import { changePlan } from "@/server/billing/change-plan";
import { cancelSubscription, undoChange } from "@/server/billing/end-subscription";
import { type ChangePreview, previewChange } from "@/server/billing/preview-change";
import type { TenantCtx } from "@/server/context";
import { AppError } from "@/server/errors";
import { ensureCustomer } from "@/server/stripe/customer";

/** Five hundred in all. */
const SEEDS = [1, 2, 3, 4, 5];
const CHANGES = 100;
const plan = (id: string, monthlyMinor: number, annualMinor: number) => ({
  id,
  name: id,
  tagline: id,
  price: { kind: "recurring" as const, monthlyMinor, annualMinor },
  limits: { seats: monthlyMinor },
});
/** Prices that leave fractions of a cent wherever they are divided. */
const prices = definePriceList({
  currency: "usd",
  features: { seats: { kind: "level", name: "Seats", unit: "seat" } },
  plans: [
    { id: "free", name: "Free", tagline: "Free", price: { kind: "free" }, limits: { seats: 1 } },
    plan("small", 700, 6_999),
    plan("middle", 1_999, 19_990),
    plan("large", 4_901, 52_111),
    plan("huge", 9_973, 99_991),
  ],
  packs: [],
  defaultPlan: "free",
});
const PLANS = ["small", "middle", "large", "huge"];

const { tenant, stripe, buy, simulator, clock } = await stage({ prices });

/** The same numbers at every run (mulberry32). */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

const invoicesAt = async (ctx: TenantCtx, at: Date) => {
  const second = Math.floor(at.getTime() / 1_000);
  const created = { gte: second, lte: second };
  return (await stripe.invoices.list({ customer: await ensureCustomer(ctx), created, limit: 10 })).data;
};

/** What was said about the next regular invoice, as long as nothing came in between. */
type Promised = ChangePreview["next"];

async function keepsItsWord(ctx: TenantCtx, { at, amount }: Promised): Promise<void> {
  const [renewal] = await invoicesAt(ctx, at);
  expect(BigInt(renewal?.amount_due ?? -1)).toBe(amount.amountMinor);
}

async function change(
  ctx: TenantCtx,
  wish: { plan: string; interval: "month" | "year" },
): Promise<ChangePreview> {
  const before = await invoicesAt(ctx, clock.now());
  const preview = await previewChange(ctx, wish);
  const made = await changePlan(ctx, { ...wish, preview: preview.preview });
  expect(made.outcome).toBe(preview.timing === "now" ? "changed" : "scheduled");
  const after = await invoicesAt(ctx, clock.now());
  if (preview.timing === "period_end") expect(after.length).toBe(before.length);
  else {
    expect(after.length).toBe(before.length + 1);
    const [invoice] = after;
    expect(BigInt(invoice!.amount_due)).toBe(preview.dueNow.amountMinor);
    expect(invoice!.lines.data.map(({ amount }) => BigInt(amount))).toEqual(
      preview.lines.map(({ amount }) => amount.amountMinor),
    );
    expect(BigInt(-(invoice!.ending_balance ?? 0))).toBe(preview.creditKept.amountMinor);
  }
  return preview;
}

test.for(SEEDS)(
  `${CHANGES} random changes at random instants (%i): the preview is the invoice, and so is what it says comes next`,
  { timeout: 600_000 },
  async (seed) => {
    const below = random(20_261_121 + seed);
    const ctx = await tenant("ada");
    simulator.control.setMode({ drop: [] });
    await buy(ctx, { plan: "small", interval: "month" });
    let next: Promised | null = null;
    let comesAt: Date | null = null;
    // Each look asks Stripe itself, so no event is needed.
    simulator.control.setMode({ drop: ["*"] });
    const done = { now: 0, period_end: 0, kept: 0 };
    while (done.now + done.period_end < CHANGES) {
      const days = below(4) === 0 ? below(400) : below(40);
      clock.advance({ days, hours: below(24), minutes: below(60), seconds: below(60) });
      await simulator.control.advanceTo(clock.now());
      if (next && clock.now() >= next.at) {
        await keepsItsWord(ctx, next);
        done.kept += 1;
        next = null;
      }
      if (comesAt && clock.now() < comesAt) {
        await undoChange(ctx);
        next = null;
      }
      comesAt = null;
      const wish = {
        plan: PLANS[below(PLANS.length)]!,
        interval: below(3) === 0 ? "year" : "month",
      } as const;
      try {
        const preview: ChangePreview = await change(ctx, wish);
        done[preview.timing] += 1;
        next = preview.next;
        comesAt = preview.timing === "period_end" ? preview.takesEffectAt : null;
      } catch (error) {
        // The plan that it has already.
        if (!(error instanceof AppError) || !error.message.startsWith("This is the plan")) throw error;
      }
    }
    // Nobody has to be billed beside those who come after.
    await cancelSubscription(ctx, { when: "now", reason: "other" });
    expect(done.now).toBeGreaterThan(25);
    expect(done.period_end).toBeGreaterThan(15);
    expect(done.kept).toBeGreaterThan(10);
  },
);
