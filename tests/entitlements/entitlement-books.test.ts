import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import { setOverride } from "@/server/entitlements/override";
import { verifyBooks } from "@/server/ledger/books";
import { business, meterOf } from "./business";

const prices = business(
  { pages: meterOf(), seats: { kind: "level", name: "Seats" } },
  { free: { pages: 10, seats: 2 } },
);
const { tenant, owner, ctx } = await world({ prices });
const breached = async () => (await verifyBooks(ctx)).map(({ invariant }) => invariant);

test.each([
  [
    "meter: its allowance is the override's",
    "update meters set allowance = 51 where feature = 'pages'",
    "update meters set allowance = 50 where feature = 'pages'",
  ],
  [
    "meter: its allowance is the override's",
    "update meters set override_ends_at = 'infinity' where feature = 'pages'",
    "update meters set override_ends_at = null where feature = 'pages'",
  ],
  [
    "meter: after an override its allowance is the plan's",
    "update overrides set ended_at = created_at where feature = 'pages'",
    "update overrides set ended_at = null where feature = 'pages'",
  ],
  [
    "meter: on its tenant's plan version",
    "update meters set plan_version = 'free@0' where feature = 'seats'",
    "update meters set plan_version = 'free@1' where feature = 'seats'",
  ],
  [
    "meter: over when its tenant's plan is",
    "update meters set plan_ends_at = 'infinity' where feature = 'seats'",
    "update meters set plan_ends_at = null where feature = 'seats'",
  ],
  [
    "tenant: blocked as a whole, or not",
    "update meters set blocked_reason = 'past_due' where feature = 'seats'",
    "update meters set blocked_reason = null where feature = 'seats'",
  ],
])("a breach of «%s» is found", async (invariant, breach, repair) => {
  const ada = await tenant("ada");
  await setOverride(ada, { feature: "pages", limit: 50, reason: "agreed" });
  expect(await breached()).toEqual([]);
  await owner.unsafe(breach);
  expect(await breached()).toContain(invariant);
  await owner.unsafe(repair);
});
