import { setImmediate } from "node:timers/promises";
import { oneWaits } from "@tests/support/interleave";
import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import { definePriceList } from "@/lib/price-list";
import type { TenantCtx } from "@/server/context";
import { consume } from "@/server/quota/consume";
import type { Receipt } from "@/server/quota/rules";

const { tenant, owner } = await world({
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

const people = (names: string[]) => Promise.all(names.map((name) => tenant(name)));
const calls = (of: TenantCtx, count: number): Promise<Receipt>[] =>
  Array.from({ length: count }, () => consume(of, { feature: "calls" }));
const usedOf = (receipts: Receipt[]) => receipts.map(({ used }) => used).toSorted((a, b) => a! - b!);
const upTo = (count: number) => Array.from({ length: count }, (_, at) => at + 1);

/** Somebody's transaction has the rows of these tenants for as long as `meanwhile` takes. */
async function whileHeld<T>(held: TenantCtx[], meanwhile: () => Promise<T>): Promise<T> {
  return owner.begin(async (holder) => {
    for (const { tenant } of held) await holder`select from meters where tenant_id = ${tenant.id} for update`;
    return meanwhile();
  }) as Promise<T>;
}

/** More than one batch carries. */
const BUSY_CALLS = 256;

test("whoever shares a process with a tenant that never pauses waits for no more than is under way", async () => {
  const cast = await people(["ada", "bo", "cleo", "dan"]);
  for (const quiet of cast)
    for (const busy of cast.filter((one) => one !== quiet)) {
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

test("those who travel in one batch with a tenant whose row is held are answered while it is", async () => {
  const [held, bo, cleo] = await people(["ada", "bo", "cleo"]);
  let stuck: Promise<Receipt>[] = [];
  const others = await whileHeld([held!], async () => {
    stuck = calls(held!, 3);
    return Promise.all([...calls(bo!, 2), ...calls(cleo!, 2)]);
  });
  expect(usedOf(others)).toEqual([1, 1, 2, 2]);
  expect(usedOf(await Promise.all(stuck))).toEqual(upTo(3));
});

test("a call whose row is held makes nobody wait who comes after it, be it one or very many", async () => {
  const [held, bo, cleo] = await people(["dan", "eve", "finn"]);
  let stuck: Promise<Receipt>[] = [];
  await whileHeld([held!], async () => {
    stuck = calls(held!, 1);
    await oneWaits(owner);
    expect(usedOf(await Promise.all(calls(bo!, 1)))).toEqual([1]);
    stuck.push(...calls(held!, 40));
    expect(usedOf(await Promise.all(calls(cleo!, 700)))).toEqual(upTo(700));
    expect(usedOf(await Promise.all(calls(bo!, 1)))).toEqual([2]);
  });
  expect(usedOf(await Promise.all(stuck))).toEqual(upTo(41));
});

test("several tenants that are held wait for themselves, and those whose rows come free first are answered first", async () => {
  const names = ["gil", "hana", "ivo", "jun"];
  const [free, ...held] = await people(["kim", ...names]);
  let stuck: Promise<Receipt>[] = [];
  let latest: Promise<Receipt>[] = [];
  await whileHeld(held.slice(0, 3), async () => {
    await whileHeld(held.slice(3), async () => {
      stuck = held.slice(0, 3).flatMap((one) => calls(one, 2));
      latest = calls(held[3]!, 2);
      expect(usedOf(await Promise.all(calls(free!, 2)))).toEqual([1, 2]);
    });
    expect(usedOf(await Promise.all(latest))).toEqual([1, 2]);
  });
  expect(usedOf(await Promise.all(stuck))).toEqual([1, 1, 1, 2, 2, 2]);
});

test("calls of many tenants that are held, one after the other, keep nobody else waiting until they are told", async () => {
  const [free, ...held] = await people(["nia", "oleg", "pia", "quin", "rob"]);
  const stuck: Promise<PromiseSettledResult<Receipt>[]>[] = [];
  let told = 0;
  await whileHeld(held, async () => {
    for (const [turn, one] of held.entries()) {
      stuck.push(Promise.allSettled(calls(one, 1)));
      void stuck[turn]!.then(() => (told += 1));
      // It is on its way when the next one comes.
      await setImmediate();
      await setImmediate();
      expect((await Promise.all(calls(free!, 1)))[0]!.used).toBe(turn + 1);
    }
    expect(told).toBe(0);
  });
  expect((await Promise.all(stuck)).flat()).toMatchObject(
    held.map(() => ({ status: "fulfilled", value: { used: 1 } })),
  );
});

test("who waits for two seconds is told that the service is busy, nothing is drawn, and the next call is like any other", async () => {
  const [held, bo] = await people(["lea", "max"]);
  await whileHeld([held!], async () => {
    const stuck = Promise.allSettled([...calls(held!, 30)]);
    expect(usedOf(await Promise.all(calls(bo!, 30)))).toEqual(upTo(30));
    for (const outcome of await stuck)
      expect(outcome).toMatchObject({ status: "rejected", reason: { code: "BUSY" } });
  });
  expect(usedOf(await Promise.all(calls(held!, 2)))).toEqual([1, 2]);
});
