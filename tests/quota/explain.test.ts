import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { grantCredits } from "@/server/credits/grant-credits";
import { ledgerPage } from "@/server/credits/ledger-page";
import { entitle } from "@/server/entitlements/entitle";
import { setOverride } from "@/server/entitlements/override";
import { commit } from "@/server/quota/commit";
import { consume } from "@/server/quota/consume";
import { explain } from "@/server/quota/explain";
import type { Explanation } from "@/server/quota/explanation";
import { sweepHolds } from "@/server/quota/jobs";
import { recount } from "@/server/quota/recount";
import { refund } from "@/server/quota/refund";
import { release } from "@/server/quota/release";
import { releaseHold } from "@/server/quota/release-hold";
import { reserve } from "@/server/quota/reserve";
import type { Receipt } from "@/server/quota/rules";
import { storyPrices as prices } from "./story-prices";

const { tenant, clock, owner, ctx } = await world({ prices });

function entryOf(receipt: Receipt): string {
  if (!receipt.allowed) throw new Error(`refused: ${receipt.message}`);
  return receipt.entryId;
}
async function hold(ada: TenantCtx, units: number, overflow: "reject" | "cap" | "overflow" = "reject") {
  const held = await reserve(ada, { feature: "compute", units, overflow, expiresInSeconds: 3_600 });
  if (!held.allowed) throw new Error("not held");
  return held;
}
/** The newest entry of an operation, as the ledger's page shows it. */
async function newest(ada: TenantCtx, operation: string): Promise<Explanation> {
  const { entries } = await ledgerPage(ada, { limit: 200 });
  return explain(ada, { entryId: entries.find((entry) => entry.operation === operation)!.id });
}

test("a charge is told whole: plan, window, what it drew in order, what was used after it", async () => {
  const ada = await tenant("Ada");
  const bought = await grantCredits(ada, { amount: 50, kind: "purchase", source: "payment:1" });
  const expiresAt = new Date(clock.now().getTime() + 86_400_000);
  const gift = await grantCredits(ada, { amount: 10, kind: "promo", source: "promo:spring", expiresAt });
  await consume(ada, { feature: "compute", units: 90 });
  const told = await explain(ada, {
    entryId: entryOf(await consume(ada, { feature: "compute", units: 20 })),
  });
  expect(told).toMatchObject({
    operation: "consume",
    units: 20,
    feature: { id: "compute", name: "Compute", unit: "unit", kind: "meter" },
    actor: { kind: "user", name: "Ada" },
    plan: { version: "free@1", name: "Free", limit: 100 },
    override: null,
    balance: { used: 100, limit: 100 },
    window: { startsAt: clock.now(), resetsAt: new Date("2026-03-09T09:00:00Z") },
    drawn: {
      allowance: 10,
      lots: [
        { lotId: gift.lotId, unit: "credits", kind: "promo", source: "promo:spring", expiresAt, units: 10 },
        { lotId: bought.lotId, unit: "credits", kind: "purchase", expiresAt: null, units: 5 },
      ],
      credits: 15,
      over: 0,
      uncharged: 0,
    },
    overBecause: null,
    crossed: 100,
    waysOut: [],
  });
  expect(told.sentences).toEqual([
    "Ada used 20 units of Compute, on Mar 2, 2026, 09:00.",
    "The plan was Free (free@1): 100 units a week.",
    "The window began on Mar 2, 2026, 09:00 and resets on Mar 9, 2026, 09:00.",
    "10 units came from the allowance.",
    "10 credits came from a gift (promo:spring), which expires on Mar 3, 2026, 09:00.",
    "5 credits came from a purchase (payment:1), which never expires.",
    "Credits paid for what was past the allowance: 15, at 3 credits for 2 units, rounded up.",
    "After it, 100 of 100 units were used.",
    "It was the one that reached 100 % of the limit.",
  ]);
});

test("what a feature cost on a shared meter is told by kind of cost", async () => {
  const ada = await tenant("ada");
  const costs = { input_tokens: 250, output_tokens: 100 };
  const told = await explain(ada, { entryId: entryOf(await consume(ada, { feature: "chats", costs })) });
  expect(told.feature.id).toBe("compute");
  expect(told.breakdown).toMatchObject({ feature: "chats", base: 5 });
  expect(Object.values(told.breakdown!.costs).reduce((sum, units) => sum + units, 5)).toBe(told.units);
  expect(told.sentences[1]).toMatch(
    /^It was “chats” that cost 11 units: 5 to begin with, \d for input tokens and 3 for output tokens\.$/,
  );
});

test("a hold, its commit and a refund are one chain, each link told from where it stands", async () => {
  const ada = await tenant("ada");
  const held = await hold(ada, 50);
  expect((await explain(ada, { entryId: held.entryId })).sentences).toContain(
    "The hold is open until Mar 2, 2026, 10:00.",
  );
  clock.advance({ minutes: 5 });
  const settled = await commit(ada, { holdId: held.holdId, units: 30 });
  clock.advance({ minutes: 5 });
  const back = await refund(ada, { entryId: settled.entryId, units: 10, key: "sorry", reason: "it broke" });

  const told = await explain(ada, { entryId: settled.entryId });
  expect(told).toMatchObject({ operation: "commit", units: 30, hold: { status: "committed", units: 50 } });
  expect(told.drawn.allowance).toBe(-20);
  expect(told.chain.map(({ operation }) => operation)).toEqual(["hold", "commit", "refund"]);
  expect(told.chain.map(({ entryId }) => entryId)).toEqual([held.entryId, settled.entryId, back.entryId]);
  expect(told.sentences[0]).toBe(
    "ada settled a hold of 50 units of Compute: 30 units were really used, on Mar 2, 2026, 09:05.",
  );
  expect(told.sentences).toContain("20 units went back to the allowance.");
  expect(told.sentences.some((one) => one.startsWith("Before it, 50 units were set aside"))).toBe(true);
  expect(told.sentences.some((one) => one.startsWith("Later, 10 units were taken back"))).toBe(true);

  const refunded = await explain(ada, { entryId: back.entryId });
  expect(refunded).toMatchObject({ operation: "refund", units: 10, drawn: { allowance: -10 } });
  expect(refunded.sentences[0]).toContain("took back a charge of 10 units of Compute: it broke");
  expect(refunded.chain.map(({ entryId }) => entryId)).toEqual([held.entryId, settled.entryId, back.entryId]);
});

test("a hold that was let go says what went back", async () => {
  const ada = await tenant("ada");
  const held = await hold(ada, 40);
  await releaseHold(ada, { holdId: held.holdId });
  const told = await newest(ada, "release");
  expect(told).toMatchObject({ units: 40, drawn: { allowance: -40 }, hold: { status: "released" } });
  expect(told.sentences[0]).toMatch(/^ada let a hold of 40 units of Compute go, on /);
});

test("a hold that nobody settled, and units of a window that is over, say so", async () => {
  const ada = await tenant("ada");
  const charged = entryOf(await consume(ada, { feature: "compute", units: 30 }));
  await hold(ada, 40);
  clock.advance({ days: 1 });
  await sweepHolds(ctx);
  expect((await newest(ada, "release")).sentences[0]).toMatch(
    /^A hold of 40 units of Compute expired, with nobody having settled it, on /,
  );
  clock.advance({ days: 7 });
  await refund(ada, { entryId: charged, key: "late", reason: "it never worked" });
  const told = await newest(ada, "refund");
  expect(told.sentences).toContain(
    "30 units of the allowance lapsed: the window that they were of was over.",
  );
  expect(told.sentences[0]).toContain("took back a charge of 30 units of Compute: it never worked");
});

test("an expired lot gets its units back and stays expired, and is told so", async () => {
  const ada = await tenant("ada");
  const expiresAt = new Date(clock.now().getTime() + 3_600_000);
  await grantCredits(ada, { amount: 9, kind: "promo", source: "promo:short", expiresAt });
  await consume(ada, { feature: "compute", units: 100 });
  const charged = entryOf(await consume(ada, { feature: "compute", units: 6 }));
  clock.advance({ hours: 2 });
  await refund(ada, { entryId: charged, key: "back", reason: "sorry" });
  const [, ...facts] = (await newest(ada, "refund")).sentences;
  expect(facts.find((fact) => fact.startsWith("9 credits went back to a gift"))).toMatch(
    /, and stays expired\.$/,
  );
});

test("a correction says why, and how much more or less counts as used", async () => {
  const ada = await tenant("ada");
  await consume(ada, { feature: "seats", units: 3 });
  await recount(ada, { feature: "seats", reason: "counted by hand", count: async () => 2 });
  const told = await newest(ada, "adjust");
  expect(told.sentences[0]).toMatch(/^Seats was adjusted: counted by hand, on /);
  expect(told.sentences).toContain("1 seat fewer counts as used.");
});

test("units past the limit say why they were let through, and what overage costs", async () => {
  const ada = await tenant("ada");
  const of = async (feature: string, units: number, confirmed?: boolean) =>
    explain(ada, { entryId: entryOf(await consume(ada, { feature, units, confirmed })) });
  const mails = await of("mails", 60);
  expect(mails).toMatchObject({ overBecause: "overage", drawn: { over: 10, allowance: 50 } });
  expect(mails.sentences).toContain(
    "10 mails went past the limit: billed as overage, at $0.20 for 10 mails.",
  );
  const messages = await of("messages", 11);
  expect(messages).toMatchObject({ overBecause: "warn", drawn: { over: 1 } });
  expect(messages.sentences).toContain("1 message went past the limit: this limit warns and does not stop.");
  expect(await of("renders", 6, true)).toMatchObject({ overBecause: "confirmed", drawn: { over: 1 } });
});

test("a commit above its hold tells what was let through, and what was used but never charged", async () => {
  const ada = await tenant("ada");
  const through = await hold(ada, 90, "overflow");
  const passed = await explain(ada, {
    entryId: (await commit(ada, { holdId: through.holdId, units: 110 })).entryId,
  });
  expect(passed).toMatchObject({ overBecause: "settled", drawn: { over: 10, uncharged: 0 } });
  const bo = await tenant("bo");
  const capped = await hold(bo, 90, "cap");
  const told = await explain(bo, {
    entryId: (await commit(bo, { holdId: capped.holdId, units: 110 })).entryId,
  });
  expect(told).toMatchObject({ units: 110, drawn: { over: 0, uncharged: 10 } });
  expect(told.sentences.some((one) => one.startsWith("10 units were used but not charged"))).toBe(true);
});

test("the override that held then is told, not one that came later or was over", async () => {
  const ada = await tenant("ada");
  const before = entryOf(await consume(ada, { feature: "compute" }));
  clock.advance({ minutes: 1 });
  const expiresAt = new Date(clock.now().getTime() + 3_600_000);
  await setOverride(ada, { feature: "compute", limit: 5_000, reason: "launch week", expiresAt });
  const during = entryOf(await consume(ada, { feature: "compute" }));
  clock.advance({ hours: 1 });
  const after = entryOf(await consume(ada, { feature: "compute" }));
  expect((await explain(ada, { entryId: before })).override).toBeNull();
  expect((await explain(ada, { entryId: after })).override).toBeNull();
  const told = await explain(ada, { entryId: during });
  expect(told.override).toMatchObject({ limit: 5_000, reason: "launch week", expiresAt });
  expect(told.balance).toEqual({ used: 2, limit: 5_000 });
  expect(told.sentences.find((one) => one.startsWith("Instead of the plan's limit"))).toMatch(
    /5,000 units was agreed on until .*: launch week\.$/,
  );
});

test("a denial that was kept tells why, and what would help today", async () => {
  const ada = await tenant("ada");
  await consume(ada, { feature: "compute", units: 100 });
  expect(await consume(ada, { feature: "compute", units: 5, recordDenial: true })).toMatchObject({
    allowed: false,
  });
  const told = await newest(ada, "deny");
  expect(told).toMatchObject({
    operation: "deny",
    units: 5,
    reason: "no_credits",
    balance: { used: 100, limit: 100 },
  });
  expect(told.waysOut.map(({ kind }) => kind)).toEqual(["wait", "buy_credits", "upgrade"]);
  expect(told.sentences[0]).toContain("was refused: the allowance and the credits did not cover it");
  expect(told.sentences).toContain("What would help: buy 100 credits for $5.00.");
  clock.advance({ days: 8 });
  expect((await explain(ada, { entryId: told.entryId })).waysOut.map(({ kind }) => kind)).not.toContain(
    "wait",
  );
});

test("the end of a window tells what was lost and what was kept, its begin what was given", async () => {
  const ada = await tenant("ada");
  await consume(ada, { feature: "energy", units: 4 });
  clock.advance({ days: 1 });
  await consume(ada, { feature: "energy", units: 1 });
  const lost = await newest(ada, "forfeit");
  expect(lost).toMatchObject({ units: 0, drawn: { lotUnits: -16 } });
  expect(lost.sentences[0]).toMatch(
    /^The window of Energy ended and 0 points of it were lost, 16 points kept for later, on /,
  );
  const { entries } = await ledgerPage(ada, { feature: "energy", limit: 50 });
  const grants = await Promise.all(
    entries.filter(({ operation }) => operation === "grant").map(({ id }) => explain(ada, { entryId: id })),
  );
  expect(grants.map(({ sentences }) => sentences[0]!.split(",")[0]).sort()).toEqual([
    "16 points were added",
    "A window of Energy began with 20 points",
    "A window of Energy began with 20 points",
  ]);
});

test("every entry of a busy tenant can be told, in sentences that are whole", async () => {
  const ada = await tenant("ada", "America/New_York");
  await grantCredits(ada, { amount: 500, kind: "purchase", source: "payment:2" });
  await consume(ada, { feature: "seats", units: 2 });
  await release(ada, { feature: "seats", key: "left" });
  const held = await hold(ada, 120);
  await commit(ada, { holdId: held.holdId, units: 100 });
  await hold(ada, 10);
  clock.advance({ days: 9 });
  await consume(ada, { feature: "compute", units: 10, recordDenial: true });
  await entitle(ada, { planVersionId: "pro@1", source: "operator" });
  const { entries } = await ledgerPage(ada, { limit: 200 });
  expect(new Set(entries.map(({ operation }) => operation)).size).toBeGreaterThan(5);
  for (const { id } of entries) {
    const { sentences } = await explain(ada, { entryId: id });
    for (const sentence of sentences) {
      expect(sentence).toMatch(/^[“\w].*\.$/);
      expect(sentence).not.toMatch(/undefined|null|NaN|\[object/);
    }
  }
});

test("a foreign entry, an unknown one and one that was archived are not found alike", async () => {
  const [ada, bo] = [await tenant("ada"), await tenant("bo")];
  const entryId = entryOf(await consume(ada, { feature: "compute" }));
  await expect(explain(bo, { entryId })).rejects.toMatchObject({ code: "NOT_FOUND" });
  for (const unknown of ["ent_0", "'; drop table entries; --", "lot_1"])
    await expect(explain(ada, { entryId: unknown })).rejects.toMatchObject({
      code: "NOT_FOUND",
      hint: expect.stringContaining("archived"),
    });
  expect(await owner`select 1 from entries where id = ${entryId}`).toHaveLength(1);
});
