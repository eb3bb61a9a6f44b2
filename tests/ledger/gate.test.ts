import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import { definePriceList } from "@/lib/price-list";
import { consume } from "@/server/quota/consume";

const { tenant } = await world({
  prices: definePriceList({
    currency: "usd",
    features: {
      calls: { kind: "meter", name: "Calls", window: "month", align: "calendar", overflow: { to: "deny" } },
    },
    plans: [
      { id: "free", name: "Free", tagline: "", price: { kind: "free" }, limits: { calls: "unlimited" } },
    ],
    packs: [],
    defaultPlan: "free",
  }),
});

/** More than one batch carries. */
const BUSY_CALLS = 256;

test("whoever shares a process with a tenant that never pauses waits for no more than is under way", async () => {
  const people = await Promise.all(["ada", "bo", "cleo", "dan"].map((name) => tenant(name)));
  for (const quiet of people)
    for (const busy of people.filter((one) => one !== quiet)) {
      let answered = 0;
      let over = false;
      const caller = async () => {
        while (!over) {
          await consume(busy, { feature: "calls" });
          answered += 1;
        }
      };
      const callers = Array.from({ length: BUSY_CALLS }, caller);
      const meanwhile: number[] = [];
      for (let asked = 0; asked < 10; asked += 1) {
        const before = answered;
        await consume(quiet, { feature: "calls" });
        meanwhile.push(answered - before);
      }
      over = true;
      await Promise.all(callers);
      // The batches under way, those gathered behind them and its own trip; starved, it would wait each time for as long as they
      // go on. Of the ten most: one alone may have met a machine that was busy elsewhere.
      const usual = meanwhile.toSorted((a, b) => a - b)[5];
      expect(usual).toBeLessThan(4 * BUSY_CALLS);
    }
});

test("calls beyond what one batch carries are all answered, each with its own amount", async () => {
  const ada = await tenant("ada");
  const receipts = await Promise.all(
    Array.from({ length: 1_500 }, () => consume(ada, { feature: "calls", units: 2 })),
  );
  const used = receipts.map((receipt) => receipt.used ?? 0).sort((a, b) => a - b);
  expect(used).toEqual(Array.from({ length: 1_500 }, (_, at) => 2 * (at + 1)));
});
