import { world } from "@tests/support/world";
import { beforeEach, expect, test } from "vitest";
import { createTollgate } from "@/client/tollgate-client";
import { createApiKey } from "@/server/accounts/api-keys";
import type { TenantCtx } from "@/server/context";
import { consume } from "@/server/quota/consume";
import { type Fault, openLine } from "./line";

const { tenant, runtime, owner } = await world();
const line = await openLine(runtime);

beforeEach(() => {
  line.faults.length = 0;
  line.arrived.length = 0;
});

async function clientOf(name: string, options: { maxAttempts?: number } = {}) {
  const ctx = await tenant(name);
  const { key } = await createApiKey(ctx, { name: "service" });
  return { ctx, tollgate: createTollgate({ url: line.url, apiKey: key, timeoutMs: 2_000, ...options }) };
}

/** Of compute: what is used, and what open holds keep back. */
async function booked(ctx: TenantCtx): Promise<{ used: number; held: number }> {
  const [row] = await owner`
    select m.used, coalesce((select sum(h.units) from holds h
      where h.tenant_id = m.tenant_id and h.feature = m.feature and h.status = 'open'), 0) as held
    from meters m where m.tenant_id = ${ctx.tenant.id} and m.feature = 'compute'`;
  return { used: Number(row!.used), held: Number(row!.held) };
}

test("work is charged what it says it cost, or what was reserved; the rest is free again", async () => {
  const { tollgate, ctx } = await clientOf("ada");
  const text = await tollgate.withReservation("compute", 50, async (reservation) => {
    expect(reservation).toMatchObject({ units: 50, expiresAt: expect.any(Date) });
    expect(await booked(ctx)).toEqual({ used: 50, held: 50 });
    reservation.spent(12);
    return "done";
  });
  expect(text).toBe("done");
  expect(await booked(ctx)).toEqual({ used: 12, held: 0 });
  await tollgate.withReservation("compute", 20, async () => {});
  expect(await booked(ctx)).toEqual({ used: 32, held: 0 });
  await tollgate.withReservation("compute", 20, async (reservation) => reservation.spent(0));
  expect(await booked(ctx)).toEqual({ used: 32, held: 0 });
});

test("work that throws is charged nothing, and its own error comes through", async () => {
  const { tollgate, ctx } = await clientOf("bo");
  const failure = new Error("The model is down.");
  const call = tollgate.withReservation("compute", 50, async (reservation) => {
    reservation.spent(12);
    throw failure;
  });
  await expect(call).rejects.toBe(failure);
  expect(await booked(ctx)).toEqual({ used: 0, held: 0 });
});

test("work is not begun when nothing can be reserved", async () => {
  const { tollgate, ctx } = await clientOf("cleo");
  await consume(ctx, { feature: "compute", units: 90 });
  let begun = false;
  const call = tollgate.withReservation("compute", 50, async () => {
    begun = true;
  });
  await expect(call).rejects.toMatchObject({ code: "QUOTA_EXCEEDED", denial: { missing: 40 } });
  expect(begun).toBe(false);
  expect(await booked(ctx)).toEqual({ used: 90, held: 0 });
});

test.each<[string, Fault[], Fault[]]>([
  ["the answer to the reservation is lost", ["lost"], []],
  ["the answer to the commit is lost", [], ["lost"]],
  ["both break off, twice", ["half", "lost"], ["lost", "half"]],
])("%s: reserved once, charged once", async (_what, reserving, committing) => {
  const { tollgate, ctx } = await clientOf("dan");
  line.faults.push(...reserving);
  await tollgate.withReservation("compute", 50, async (reservation) => {
    line.faults.push(...committing);
    reservation.spent(30);
  });
  expect(await booked(ctx)).toEqual({ used: 30, held: 0 });
  const [holds] = await owner`select count(*) from holds where tenant_id = ${ctx.tenant.id}`;
  expect(Number(holds!.count)).toBe(1);
});

test("an abort ends the work, not its bill: what was reserved comes back", async () => {
  const { tollgate, ctx } = await clientOf("eve");
  const caller = new AbortController();
  const call = tollgate.withReservation(
    "compute",
    50,
    async () => {
      caller.abort(new Error("The user left."));
      caller.signal.throwIfAborted();
    },
    { signal: caller.signal },
  );
  await expect(call).rejects.toThrow("The user left.");
  expect(await booked(ctx)).toEqual({ used: 0, held: 0 });
});

test("a result whose cost could not be booked is lost, or handed over with the hold to commit later", async () => {
  const { tollgate, ctx } = await clientOf("flo", { maxAttempts: 2 });
  const work = async (reservation: { spent(units: number): void }) => {
    line.faults.push(503, 503);
    reservation.spent(7);
    return "done";
  };
  await expect(tollgate.withReservation("compute", 10, work)).rejects.toMatchObject({ code: "UNREACHABLE" });
  expect(await booked(ctx)).toEqual({ used: 10, held: 10 });

  const left: { holdId: string; units: number }[] = [];
  const onUncommitted = (_error: unknown, hold: { holdId: string; units: number }) => void left.push(hold);
  expect(await tollgate.withReservation("compute", 10, work, { onUncommitted })).toBe("done");
  expect(left).toMatchObject([{ units: 7 }]);
  for (const hold of left) await tollgate.commit(hold);
  expect(await booked(ctx)).toEqual({ used: 17, held: 10 });
});

test("the other verbs speak over the same line", async () => {
  const { tollgate } = await clientOf("gus");
  const { entryId } = await tollgate.consume({
    feature: "compute",
    units: 20,
    properties: { job: "nightly" },
  });
  expect(await tollgate.explain({ entryId })).toMatchObject({
    entryId,
    units: 20,
    properties: { job: "nightly" },
  });
  expect(await tollgate.estimate({ feature: "compute" })).toMatchObject({ feature: "compute", calls: 1 });
  const { holdId } = await tollgate.reserve({ feature: "compute", units: 10 });
  await tollgate.releaseHold({ holdId });
  await tollgate.consume({ feature: "channels", units: 2 });
  line.faults.push("lost");
  expect(await tollgate.release({ feature: "channels", units: 1 })).toMatchObject({
    used: 1,
    replayed: true,
  });
  const { meters } = await tollgate.status();
  expect(meters.find(({ feature }) => feature === "compute")).toMatchObject({ used: 20, held: 0 });
});
