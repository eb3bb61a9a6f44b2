import { world } from "@tests/support/world";
import { beforeEach, expect, test } from "vitest";
import { createTollgate } from "@/client/tollgate-client";
import { TollgateError } from "@/client/tollgate-error";
import { createApiKey } from "@/server/accounts/api-keys";
import type { TenantCtx } from "@/server/context";
import { type Fault, openLine } from "./line";

const { tenant, runtime, owner } = await world();
const line = await openLine(runtime);

beforeEach(() => {
  line.faults.length = 0;
  line.arrived.length = 0;
});

async function clientOf(name: string, options: { maxAttempts?: number; timeoutMs?: number } = {}) {
  const ctx = await tenant(name);
  const { key } = await createApiKey(ctx, { name: "service" });
  return { ctx, apiKey: key, tollgate: createTollgate({ url: line.url, apiKey: key, ...options }) };
}

async function usedOf(ctx: TenantCtx, feature: string): Promise<number> {
  const [row] =
    await owner`select used from meters where tenant_id = ${ctx.tenant.id} and feature = ${feature}`;
  return Number(row!.used);
}

const failureOf = async (call: Promise<unknown>): Promise<TollgateError> => {
  const error = await call.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof TollgateError)) throw new Error(`No TollgateError: ${error}`);
  return error;
};

test("a charge answers its receipt, with dates as dates", async () => {
  const { tollgate, ctx } = await clientOf("ada");
  const receipt = await tollgate.consume({ feature: "compute", units: 30 });
  expect(receipt).toMatchObject({
    allowed: true,
    replayed: false,
    units: 30,
    used: 30,
    limit: 100,
    remaining: 70,
  });
  expect(receipt.resetsAt).toBeInstanceOf(Date);
  expect(await usedOf(ctx, "compute")).toBe(30);
});

test("a denial is thrown with its typed cause, not tried again, and charges nothing", async () => {
  const { tollgate, ctx } = await clientOf("bo");
  await tollgate.consume({ feature: "compute", units: 90 });
  line.arrived.length = 0;
  const error = await failureOf(tollgate.consume({ feature: "compute", units: 30 }));
  expect(error).toMatchObject({
    code: "QUOTA_EXCEEDED",
    httpStatus: 402,
    undecided: false,
    denial: { feature: "compute", used: 90, limit: 100, missing: 20, upgradeTo: "pro" },
  });
  expect(error.denial?.resetsAt).toBeInstanceOf(Date);
  expect(line.arrived).toHaveLength(1);
  expect(await usedOf(ctx, "compute")).toBe(90);
});

test("check answers a denial, and writes nothing", async () => {
  const { tollgate } = await clientOf("cleo");
  expect(await tollgate.check({ feature: "sso" })).toMatchObject({ allowed: false, reason: "not_in_plan" });
  expect(await tollgate.check({ feature: "compute", units: 100 })).toMatchObject({ allowed: true });
  expect(await tollgate.check({ feature: "compute", units: 101 })).toMatchObject({
    allowed: false,
    missing: 1,
  });
});

test.each<[string, Fault[]]>([
  ["the request never arrives", ["refused"]],
  ["the answer is lost", ["lost"]],
  ["the answer breaks off half-way", ["half"]],
  ["the answer is lost twice", ["lost", "half"]],
  ["a proxy answers for the app", [502, 503]],
  ["no answer comes in time", ["silent"]],
])("%s: the call is repeated and charged once", async (_what, faults) => {
  const { tollgate, ctx } = await clientOf("dan", { timeoutMs: 1_000 });
  line.faults.push(...faults);
  const receipt = await tollgate.consume({ feature: "compute", units: 7 });
  expect(receipt).toMatchObject({ allowed: true, units: 7, used: 7 });
  expect(line.arrived).toHaveLength(faults.length + 1);
  expect(new Set(line.arrived.map(({ body }) => body)).size).toBe(1);
  expect(await usedOf(ctx, "compute")).toBe(7);
  expect(receipt.replayed).toBe(faults.some((fault) => ["lost", "half", "silent"].includes(String(fault))));
});

test("two calls are two calls: each has a key of its own", async () => {
  const { tollgate, ctx } = await clientOf("eve");
  line.faults.push("lost", "lost");
  await Promise.all([
    tollgate.consume({ feature: "compute", units: 3 }),
    tollgate.consume({ feature: "compute", units: 3 }),
  ]);
  expect(await usedOf(ctx, "compute")).toBe(6);
});

test("a key that names the work makes the program's own repetition free", async () => {
  const { tollgate, ctx } = await clientOf("flo");
  const first = await tollgate.consume({ feature: "compute", units: 5, key: "order-66" });
  const again = await tollgate.consume({ feature: "compute", units: 5, key: "order-66" });
  expect(again).toEqual({ ...first, replayed: true });
  expect(await failureOf(tollgate.consume({ feature: "compute", units: 6, key: "order-66" }))).toMatchObject({
    code: "IDEMPOTENCY_CONFLICT",
    httpStatus: 409,
  });
  expect(await usedOf(ctx, "compute")).toBe(5);
});

test("without a decision it is closed: it throws after its attempts, and asking again with the key tells what happened", async () => {
  const { tollgate, ctx } = await clientOf("gus", { maxAttempts: 3 });
  line.faults.push("lost", "lost", "lost");
  const call = { feature: "compute", units: 8, key: "job-1" } as const;
  const error = await failureOf(tollgate.consume(call));
  expect(error).toMatchObject({ code: "UNREACHABLE", undecided: true, httpStatus: null, denial: null });
  expect(line.arrived).toHaveLength(3);
  expect(await tollgate.consume(call)).toMatchObject({ allowed: true, replayed: true, used: 8 });
  expect(await usedOf(ctx, "compute")).toBe(8);
});

test("open when in doubt is a choice of one call, for doubt alone", async () => {
  const { tollgate, ctx } = await clientOf("hal", { maxAttempts: 2 });
  const open = { whenUndecided: "allow" } as const;
  line.faults.push(503, 503);
  const answer = await tollgate.consume({ feature: "compute", units: 8 }, open);
  if (!("undecided" in answer)) throw new Error("It was decided.");
  expect(answer).toMatchObject({
    allowed: true,
    undecided: true,
    because: { code: "UNREACHABLE", httpStatus: 503 },
  });
  expect(await usedOf(ctx, "compute")).toBe(0);
  const { feature, key } = answer;
  await tollgate.consume({ feature, units: 8, key: key ?? "" });
  expect(await usedOf(ctx, "compute")).toBe(8);

  line.faults.push("refused", "refused");
  expect(await tollgate.check({ feature: "sso" }, open)).toMatchObject({ allowed: true, undecided: true });
  expect(await tollgate.check({ feature: "sso" }, open)).toMatchObject({ allowed: false });
  expect(await failureOf(tollgate.consume({ feature: "compute", units: 99 }, open))).toMatchObject({
    code: "QUOTA_EXCEEDED",
  });
});

test("a wrong key, a wrong address and a wrong question are told apart, not repeated, and never let through", async () => {
  const { tollgate, apiKey } = await clientOf("ida");
  const open = { whenUndecided: "allow" } as const;
  const stranger = createTollgate({ url: line.url, apiKey: "tgk_nobody" });
  expect(await failureOf(stranger.check({ feature: "sso" }, open))).toMatchObject({
    code: "UNAUTHENTICATED",
  });
  const lost = createTollgate({ url: `${line.url}/somewhere`, apiKey });
  expect(await failureOf(lost.check({ feature: "sso" }, open))).toMatchObject({ code: "UNEXPECTED_ANSWER" });
  expect(await failureOf(tollgate.consume({ feature: "compute", units: -1 }, open))).toMatchObject({
    code: "INVALID_INPUT",
  });
  expect(await failureOf(tollgate.consume({ feature: "teleport" as "compute" }, open))).toMatchObject({
    code: "UNKNOWN_FEATURE",
  });
  expect(line.arrived).toHaveLength(4);
});

test("an abort ends the attempts, with the caller's own reason", async () => {
  const { tollgate } = await clientOf("jan", { timeoutMs: 60_000 });
  const caller = new AbortController();
  line.faults.push("silent");
  const call = tollgate.consume({ feature: "compute" }, { signal: caller.signal });
  await expect.poll(() => line.arrived.length).toBe(1);
  const reason = new Error("The user left.");
  caller.abort(reason);
  await expect(call).rejects.toBe(reason);
  await expect(tollgate.status({ signal: caller.signal })).rejects.toBe(reason);
  expect(line.arrived).toHaveLength(1);
});

test("an abort ends the pause between two attempts too", async () => {
  const { tollgate } = await clientOf("kim", { maxAttempts: 10 });
  const caller = new AbortController();
  line.faults.push(...Array<Fault>(10).fill(503));
  const call = tollgate.consume({ feature: "compute" }, { signal: caller.signal });
  await expect.poll(() => line.arrived.length).toBeGreaterThan(0);
  const reason = new Error("The user left.");
  caller.abort(reason);
  await expect(call).rejects.toBe(reason);
  expect(line.arrived.length).toBeLessThan(10);
});
