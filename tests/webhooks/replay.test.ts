import { world } from "@tests/support/world";
import { expect, test, vi } from "vitest";
import { newId } from "@/lib/ids";
import { forgetPayloads } from "@/server/webhooks/forget-payloads";
import { inboxHealth, listEvents } from "@/server/webhooks/list-events";
import { replayEvents } from "@/server/webhooks/replay";
import { type EventHandler, processDue, receive } from "@/server/webhooks/service";

const { ctx, owner, clock } = await world();

const event = (type = "thing.happened", keep = false) => ({
  provider: "stripe",
  account: "",
  eventId: `evt_${newId("message", ctx.now())}`,
  type,
  apiVersion: null,
  livemode: false,
  payload: { data: type },
  keep,
});
const handlers = (handler: EventHandler) => ({
  stripe: { "thing.happened": handler, "thing.paid": handler, thing_happened: handler },
});
const run = (handler: EventHandler = async () => undefined) =>
  processDue(ctx, handlers(handler), { limit: 100 });
const refuse: EventHandler = async () => ({ quarantined: "Not now." });
const statusOf = async (eventId: string) =>
  (
    await owner`select status, attempts, payload is not null as payload from webhook_inbox where event_id = ${eventId}`
  )[0];
const quiet = async (work: () => Promise<void>) => {
  const alert = vi.spyOn(console, "error").mockImplementation(() => {});
  await work();
  alert.mockRestore();
};

test("what was put aside is worked off once a person asks for it, with all its attempts, however many ask", async () => {
  const one = event();
  await receive(ctx, one);
  await quiet(async () => void (await run(refuse)));
  expect(await statusOf(one.eventId)).toMatchObject({ status: "quarantined" });
  const asked = await Promise.all(
    [1, 2, 3].map(() => replayEvents(ctx, { events: [one] as never }).catch(() => null)),
  );
  expect(asked.every((answer) => answer === null)).toBe(true);
  const { provider, account, eventId } = one;
  const answers = await Promise.all(
    [1, 2, 3].map(() => replayEvents(ctx, { events: [{ provider, account, eventId }] })),
  );
  expect(answers.map(({ replayed }) => replayed).sort()).toEqual([0, 0, 1]);
  expect(await statusOf(eventId)).toMatchObject({ status: "pending", attempts: 0 });
  expect(await run()).toMatchObject({ done: 1 });
  expect(await statusOf(eventId)).toMatchObject({ status: "done", attempts: 1 });
});

test("many are worked off again by their state and the beginning of their type, and no others", async () => {
  const [a, b, other] = [event("thing.happened"), event("thing.paid"), event("thing_happened")];
  for (const one of [a, b, other]) await receive(ctx, one);
  await quiet(async () => void (await run(refuse)));
  expect(await inboxHealth(ctx)).toMatchObject({ waiting: 0, quarantined: 3 });
  expect(await replayEvents(ctx, { status: "quarantined", type: "thing." })).toEqual({ replayed: 2 });
  expect(await inboxHealth(ctx)).toMatchObject({ waiting: 2, quarantined: 1 });
  await run();
  expect(await statusOf(other.eventId)).toMatchObject({ status: "quarantined" });
  expect(await replayEvents(ctx, { status: "quarantined" })).toEqual({ replayed: 1 });
  await run();
});

test("an event that is not there, or whose payload is gone, is told and nothing else is made due", async () => {
  const one = event();
  await receive(ctx, one);
  await run();
  const name = { provider: "stripe", account: "", eventId: one.eventId };
  const unknown = { ...name, eventId: "evt_nobodys" };
  await expect(replayEvents(ctx, { events: [name, unknown] })).rejects.toMatchObject({ code: "NOT_FOUND" });
  expect(await statusOf(one.eventId)).toMatchObject({ status: "done" });
  clock.advance({ days: 31 });
  await forgetPayloads(ctx);
  await expect(replayEvents(ctx, { events: [name] })).rejects.toMatchObject({ code: "NOT_FOUND" });
});

test("payloads go 30 days after their event came; rows stay, and so does what money rests on or a person has to see", async () => {
  const [plain, money, aside] = [event(), event("thing.paid", true), event("thing_happened")];
  for (const one of [plain, money]) await receive(ctx, one);
  await run();
  await receive(ctx, aside);
  await quiet(async () => void (await run(refuse)));
  clock.advance({ days: 30 });
  await forgetPayloads(ctx);
  expect(await statusOf(plain.eventId)).toMatchObject({ payload: true });
  clock.advance({ seconds: 1 });
  const rivals = await Promise.all([forgetPayloads(ctx), forgetPayloads(ctx)]);
  expect(rivals.reduce((sum, { payloadsForgotten }) => sum + payloadsForgotten, 0)).toBe(1);
  expect(await statusOf(plain.eventId)).toMatchObject({ status: "done", payload: false });
  expect(await statusOf(money.eventId)).toMatchObject({ payload: true });
  expect(await statusOf(aside.eventId)).toMatchObject({ payload: true });
  expect(await receive(ctx, plain)).toBe("duplicate");
});

test("the list is paged newest first, without payloads, each event once", async () => {
  await owner`delete from webhook_inbox`;
  const events = Array.from({ length: 120 }, (_, at) => event(at % 2 ? "thing.paid" : "thing.happened"));
  for (const [at, one] of events.entries()) {
    if (at % 7 === 0) clock.advance({ seconds: 1 });
    await receive(ctx, one);
  }
  const seen: string[] = [];
  let page = await listEvents(ctx, {});
  for (;;) {
    seen.push(...page.events.map(({ eventId }) => eventId));
    if (!page.next) break;
    page = await listEvents(ctx, { before: page.next });
  }
  expect(new Set(seen).size).toBe(120);
  expect(seen.toSorted()).toEqual(events.map(({ eventId }) => eventId).sort());
  expect(page.events[0]).not.toHaveProperty("payload");
  expect((await listEvents(ctx, { type: "thing.p" })).events.every(({ type }) => type === "thing.paid")).toBe(
    true,
  );
  expect((await listEvents(ctx, { status: "done" })).events).toEqual([]);
  await run();
});
