import { world } from "@tests/support/world";
import { expect, test, vi } from "vitest";
import { newId } from "@/lib/ids";
import type { Ctx } from "@/server/context";
import { backOffSeconds, failureText } from "@/server/webhooks/rules";
import { type EventHandler, processDue, processEvent, receive } from "@/server/webhooks/service";

const { ctx, owner } = await world();

const event = (type = "thing.happened", payload: Record<string, unknown> = {}) => ({
  provider: "stripe",
  account: "",
  eventId: `evt_${newId("message", ctx.now())}`,
  type,
  apiVersion: "2026-10-28.endive",
  livemode: false,
  payload,
  keep: false,
});

const stored = async (eventId: string) => {
  const [row] = await owner`select * from webhook_inbox where event_id = ${eventId}`;
  return row!;
};
/** Lets a back-off or a lease lapse, as time would. */
const lapse = (eventId: string) =>
  owner`update webhook_inbox set available_at = clock_timestamp() where event_id = ${eventId}`;
const handlers = (handler: EventHandler) => ({ stripe: { "thing.happened": handler } });
const sweep = (handler: EventHandler) => processDue(ctx, handlers(handler), { limit: 100 });
function signal(): { given: Promise<void>; give: () => void } {
  let give = () => {};
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { given, give: () => give() };
}
const failing: EventHandler = async () => {
  throw new Error("no luck");
};

test("the same event 100 times in parallel is stored once and has its effect once", async () => {
  const one = event();
  let effects = 0;
  const told = await Promise.all(
    Array.from({ length: 100 }, async () => {
      const outcome = await receive(ctx, one);
      const count: EventHandler = async () => {
        effects += 1;
        return undefined;
      };
      await processEvent(ctx, handlers(count), one);
      return outcome;
    }),
  );
  expect(told.filter((outcome) => outcome === "stored")).toHaveLength(1);
  expect(effects).toBe(1);
  expect(await stored(one.eventId)).toMatchObject({ status: "done", attempts: 1, last_error: null });
});

test("an event that was done is not done again, however late it is told again", async () => {
  const one = event();
  await receive(ctx, one);
  await sweep(async () => undefined);
  expect(await receive(ctx, one)).toBe("duplicate");
  expect(await sweep(failing)).toEqual({ done: 0, ignored: 0, failed: 0, quarantined: 0 });
});

test("a handler that fails is tried again after a back-off, and not before", async () => {
  const one = event();
  await receive(ctx, one);
  expect(await sweep(failing)).toMatchObject({ failed: 1 });
  expect(await stored(one.eventId)).toMatchObject({
    status: "pending",
    attempts: 1,
    last_error: "Error: no luck",
  });
  expect(await sweep(async () => undefined)).toMatchObject({ done: 0 });
  await lapse(one.eventId);
  expect(await sweep(async () => undefined)).toMatchObject({ done: 1 });
  expect(await stored(one.eventId)).toMatchObject({ status: "done", attempts: 2, last_error: null });
});

test("a poisoned event is put aside after five attempts, told once, and the others flow", async () => {
  const alert = vi.spyOn(console, "error").mockImplementation(() => {});
  const [poison, good] = [event("thing.happened", { poison: true }), event()];
  await receive(ctx, poison);
  const seen: string[] = [];
  const picky: EventHandler = async (_ctx, one) => {
    if (one.payload?.poison) throw new Error("bad schema");
    seen.push(one.eventId);
    return undefined;
  };
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    await lapse(poison.eventId);
    await sweep(picky);
  }
  await receive(ctx, good);
  await lapse(poison.eventId);
  expect(await sweep(picky)).toEqual({ done: 1, ignored: 0, failed: 0, quarantined: 0 });
  expect(seen).toEqual([good.eventId]);
  expect(await stored(poison.eventId)).toMatchObject({ status: "quarantined", attempts: 5 });
  expect(alert).toHaveBeenCalledTimes(1);
  expect(alert.mock.calls[0]?.[0]).toContain(poison.eventId);
  alert.mockRestore();
});

test("a worker that dies loses its event when its lease ends, and its late answer changes nothing", async () => {
  const one = event();
  await receive(ctx, one);
  const [begun, over] = [signal(), signal()];
  const dead = processEvent(
    ctx,
    handlers(async () => {
      begun.give();
      await over.given;
      throw new Error("too late");
    }),
    one,
  );
  await begun.given;
  expect(await sweep(async () => undefined)).toMatchObject({ done: 0 });
  await lapse(one.eventId);
  expect(await sweep(async () => undefined)).toMatchObject({ done: 1 });
  over.give();
  await dead;
  expect(await stored(one.eventId)).toMatchObject({ status: "done", attempts: 2, last_error: null });
});

test("an event that kills every worker ends in quarantine too", async () => {
  const alert = vi.spyOn(console, "error").mockImplementation(() => {});
  const one = event();
  await receive(ctx, one);
  await owner`update webhook_inbox set attempts = 5 where event_id = ${one.eventId}`;
  expect(await sweep(async () => undefined)).toMatchObject({ quarantined: 1, done: 0 });
  expect(alert).toHaveBeenCalledTimes(1);
  alert.mockRestore();
});

test("a type nobody handles is stored and ignored, and so is what a handler waves through", async () => {
  const [unknown, waved] = [event("thing.unheard_of"), event()];
  await receive(ctx, unknown);
  await receive(ctx, waved);
  expect(await sweep(async () => ({ ignored: "Not ours." }))).toMatchObject({ ignored: 2 });
  expect(await stored(unknown.eventId)).toMatchObject({ status: "ignored" });
  expect(await stored(waved.eventId)).toMatchObject({ status: "ignored", last_error: "Not ours." });
});

test("two runners at once share the work: every event is done exactly once", async () => {
  const events = Array.from({ length: 60 }, () => event());
  for (const one of events) await receive(ctx, one);
  const done: string[] = [];
  const note: EventHandler = async (_ctx, one) => {
    done.push(one.eventId);
    return undefined;
  };
  const runs = await Promise.all([sweep(note), sweep(note), sweep(note)]);
  expect(runs.reduce((sum, run) => sum + run.done, 0)).toBe(60);
  expect(done.sort()).toEqual(events.map((one) => one.eventId).sort());
});

test("a run stops at its limit", async () => {
  const events = Array.from({ length: 7 }, () => event());
  for (const one of events) await receive(ctx, one);
  const limited = await processDue(
    ctx,
    handlers(async () => undefined),
    { limit: 5 },
  );
  expect(limited.done).toBe(5);
  expect((await sweep(async () => undefined)).done).toBe(2);
});

test("the handler acts as the event, without a tenant or an open transaction", async () => {
  const one = event();
  await receive(ctx, one);
  const acting: Ctx[] = [];
  await sweep(async (inner) => {
    acting.push(inner);
    return undefined;
  });
  expect(acting[0]?.actor).toEqual({ kind: "webhook", provider: "stripe", eventId: one.eventId });
  expect([acting[0]?.tenant, acting[0]?.tx]).toEqual([undefined, undefined]);
});

test("what is kept of an error holds no secret and no value of a query", () => {
  const key = ["sk", "test", "abc123"].join("_");
  const inner = new Error(`refused ${key} whsec_xyz Bearer abc postgres://u:p@h/db\n\ttgk_a_b`);
  const text = failureText(new Error("Failed query: … params: ada@example.test", { cause: inner }));
  expect(text).toBe("Error: refused [secret] [secret] [secret] [secret] [secret]");
  expect(failureText(new Error("x".repeat(9_000))).length).toBeLessThanOrEqual(500);
});

test("back-offs double", () => {
  expect([1, 2, 3, 4].map(backOffSeconds)).toEqual([10, 20, 40, 80]);
});
