import { expect, test, vi } from "vitest";
import { consume } from "@/server/quota/consume";
import { nextDue, travel } from "@/server/time/travel";
import { timeScene } from "./scene";

const DAY_MS = 86_400_000;
const scene = await timeScene("2026-03-02T09:00:00.000Z");
const { world, clock, stops, owner } = scene;

const entriesOf = (tenantId: string, operation: string) =>
  owner<{ feature: string; created_at: Date; window_starts_at: Date; idempotency_key: string }[]>`
    select feature, created_at, window_starts_at, idempotency_key from entries
    where tenant_id = ${tenantId} and operation = ${operation} order by id`;

test("a month passes in stops of at most a day, and each thing happens at its own instant", async () => {
  const ada = await scene.tenant("ada");
  await scene.buy(ada, { plan: "pro" });
  await consume(ada, { feature: "compute", units: 40 });
  clock.advance({ hours: 1 });
  const from = clock.now();
  stops.length = 0;
  const { stops: count, failures } = await travel(world, new Date("2026-04-02T12:00:00.000Z"));

  expect(failures).toEqual([]);
  expect(clock.now().toISOString()).toBe("2026-04-02T12:00:00.000Z");
  expect(count).toBe(stops.length - 1);
  const gaps = stops.map((stop, index) => stop.getTime() - (stops[index - 1] ?? from).getTime());
  expect(Math.max(...gaps)).toBeLessThanOrEqual(DAY_MS);

  const [renewal] = scene.simulator.events.filter(
    ({ type, data }) => type === "invoice.paid" && JSON.stringify(data).includes("subscription_cycle"),
  );
  expect(new Date((renewal?.created ?? 0) * 1_000).toISOString()).toBe("2026-04-02T09:00:00.000Z");
  const received = await owner`select received_at from webhook_inbox where event_id = ${renewal?.id ?? ""}`;
  expect(received[0]?.received_at.toISOString()).toBe("2026-04-02T09:00:00.000Z");

  const windows = (await entriesOf(ada.tenant.id, "grant")).filter(
    ({ created_at, idempotency_key }) => created_at > from && idempotency_key.startsWith("window:"),
  );
  expect(windows.length).toBeGreaterThan(4);
  for (const { created_at, window_starts_at } of windows) expect(created_at).toEqual(window_starts_at);
  expect(
    windows.filter(({ feature }) => feature === "compute").map((row) => row.created_at.toISOString()),
  ).toEqual([9, 16, 23, 30].map((day) => `2026-03-${String(day).padStart(2, "0")}T09:00:00.000Z`));
});

test("what comes next is the soonest of Stripe's and ours", async () => {
  expect(await nextDue(world)).toEqual({ at: new Date("2026-04-06T09:00:00.000Z"), what: "a reset" });
});

test("a mail goes out at the stop that told it, stamped by the same clock", async () => {
  const bo = await scene.tenant("bo");
  await consume(bo, { feature: "compute", units: 85 });
  const told = clock.now();
  await travel(world, new Date(told.getTime() + 3_600_000));
  const answer = await fetch(`${scene.mailUrl}/api/messages`);
  const { messages } = (await answer.json()) as {
    messages: { subject: string; receivedAt: string; headers: { date: string } }[];
  };
  const about = messages.filter(({ subject }) => subject.includes("80%"));
  expect(about.map(({ receivedAt, headers }) => [receivedAt, new Date(headers.date).toISOString()])).toEqual([
    [told.toISOString(), told.toISOString()],
  ]);
});

test("a job that fails is said, and neither the other jobs nor the clock wait for it", async () => {
  const log = vi.spyOn(console, "error").mockImplementation(() => {});
  const ran: string[] = [];
  const jobs = {
    reset: () => Promise.reject(new Error("no luck")),
    inbox: async () => void ran.push("inbox"),
  };
  const to = new Date(clock.now().getTime() + DAY_MS);
  const { failures } = await travel({ ...world, jobs }, to);
  expect(ran.length).toBeGreaterThan(0);
  expect(failures[0]).toContain("reset: no luck");
  expect(clock.now()).toEqual(to);
  log.mockRestore();
});

test("it stops where it is when it is told to", async () => {
  const stop = new AbortController();
  const from = clock.now();
  const inTenDays = new Date(from.getTime() + 10 * DAY_MS);
  await travel(world, inTenDays, { signal: stop.signal, onStep: () => stop.abort() });
  expect(clock.now() > from && clock.now() < inTenDays).toBe(true);
});
