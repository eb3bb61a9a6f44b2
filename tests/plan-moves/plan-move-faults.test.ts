import { expect, test } from "vitest";
import { ensureCustomer } from "@/server/stripe/customer";
import { syncCustomer } from "@/server/sync/sync";
import { mover } from "./mover";

const { tenant, simulator, stripe, buy, advance, settled, clock, move, undo, run, partOf, invoicesOf, told } =
  await mover();
const ada = await tenant("ada");
await buy(ada, { plan: "pro", interval: "month" });
await advance({ days: 29 });
const wish = { from: "pro@1", to: "pro@2", workspaces: [ada.tenant.slug], noticeDays: 0 };

/** More than a step of a move asks Stripe. */
const MAX_REQUESTS = 40;
const KINDS = ["500", "close"] as const;

/**
 * Runs something while the nth request to Stripe fails, or its answer gets lost, which only matters of one that writes.
 * @returns whether there was an nth
 */
async function failing(nth: number, kind: (typeof KINDS)[number], work: () => Promise<unknown>) {
  let sent = 0;
  const onRequest = ({ method }: { method: string }) => {
    if (kind === "close" && method === "GET") return;
    sent += 1;
    // A closed connection is asked again by itself, twice.
    if (sent === nth) simulator.control.failNext(kind, kind === "close" ? 3 : 1);
  };
  stripe.on("request", onRequest);
  try {
    await work();
  } finally {
    stripe.off("request", onRequest);
  }
  return sent >= nth;
}

const schedules = async () =>
  (await stripe.subscriptionSchedules.list({ customer: await ensureCustomer(ada) })).data.filter(
    ({ status }) => status === "active",
  );

/** Cron comes again when what went wrong is due. */
async function again(): Promise<void> {
  await settled();
  clock.advance({ minutes: 11 });
  await run();
}

test("whichever request fails while a move is scheduled, the next run leaves one schedule, with the one new price", async () => {
  const moveId = await move(wish);
  for (const kind of KINDS)
    for (let nth = 1; ; nth += 1) {
      expect(nth).toBeLessThan(MAX_REQUESTS);
      // Somebody let go of it at Stripe.
      for (const { id } of await schedules()) await stripe.subscriptionSchedules.release(id);
      await settled();
      await syncCustomer(ada);
      expect(await partOf(ada, moveId)).toMatchObject({ status: "told" });
      const wasHit = await failing(nth, kind, run);
      await again();
      expect(await partOf(ada, moveId)).toMatchObject({ status: "scheduled" });
      const [one, ...others] = await schedules();
      expect([others.length, one?.phases.length]).toEqual([0, 2]);
      if (!wasHit) break;
    }
  await undo(moveId);
  expect(await schedules()).toEqual([]);
});

test("whichever request fails while a move is undone, the next run leaves no schedule, and it is told once", async () => {
  for (const kind of KINDS)
    for (let nth = 1; ; nth += 1) {
      expect(nth).toBeLessThan(MAX_REQUESTS);
      const before = (await told(ada)).length;
      const moveId = await move(wish);
      expect(await schedules()).toHaveLength(1);
      const wasHit = await failing(nth, kind, () => undo(moveId));
      await again();
      expect([(await partOf(ada, moveId))?.status, await schedules()]).toEqual(["undone", []]);
      expect((await told(ada)).slice(before)).toEqual(["billing.plan_moving", "billing.plan_move_undone"]);
      if (!wasHit) break;
    }
});

test("four runners at once make one schedule, and the renewal one invoice at the new price", async () => {
  const moveId = await move({ ...wish, noticeDays: 1 });
  await advance({ days: 1, hours: 1 });
  await Promise.all([run(), run(), run(), run()]);
  await again();
  expect(await partOf(ada, moveId)).toMatchObject({ status: "scheduled" });
  expect(await schedules()).toHaveLength(1);
  await advance({ days: 2 });
  expect(await invoicesOf(ada)).toEqual([1_500, 2_000]);
  expect(await partOf(ada, moveId)).toMatchObject({ status: "moved" });
});
