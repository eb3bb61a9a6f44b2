import { business, meterOf, meterStatus } from "@tests/entitlements/business";
import { world } from "@tests/support/world";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { consume } from "@/server/quota/consume";

const rollover = { maxUnits: 30, windows: 2 };
const energy = meterOf({ name: "Energy", window: "day", align: "calendar", rollover });
const { tenant, clock } = await world({ prices: business({ energy }, { free: { energy: 20 } }) });

const extra = async (ctx: TenantCtx) => (await meterStatus(ctx, "energy")).extra;

test("what a window that is over leaves behind is shown before anybody closes it, and is what is kept then", async () => {
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({ hours: fc.integer({ min: 1, max: 80 }), units: fc.integer({ min: 1, max: 19 }) }),
        {
          minLength: 1,
          maxLength: 8,
        },
      ),
      async (days) => {
        runs += 1;
        const ctx = await tenant(`run${runs}`);
        for (const { hours, units } of days) {
          clock.advance({ hours });
          const shown = await extra(ctx);
          // The first call of a window closes the one before; it draws from the allowance first.
          const receipt = await consume(ctx, { feature: "energy", units });
          if (!receipt.allowed) continue;
          const drawn = receipt.drawn.lots.reduce((sum, lot) => sum + lot.units, 0);
          expect((await extra(ctx)) + drawn).toBe(shown);
        }
      },
    ),
    { numRuns: 30 },
  );
});

test("kept units fill up to the list's ceiling and no further", async () => {
  const ctx = await tenant("ada");
  const shown: number[] = [];
  for (let day = 0; day < 4; day += 1) {
    await consume(ctx, { feature: "energy", units: 1 });
    clock.advance({ hours: 24 });
    shown.push(await extra(ctx));
  }
  expect(shown).toEqual([19, 30, 30, 30]);
});
