import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { consume } from "@/server/quota/consume";
import { call } from "./call";

const { tenant, owner } = await world();

const count = async (table: string, of: TenantCtx) =>
  Number((await owner`select count(*) from ${owner(table)} where tenant_id = ${of.tenant.id}`)[0]!.count);
const used = async (of: TenantCtx) =>
  Number(
    (await owner`select used from meters where tenant_id = ${of.tenant.id} and feature = 'compute'`)[0]!.used,
  );

test("a guarded procedure is charged with what it does, and says what is left", async () => {
  const ada = await tenant("ada");
  const answer = await call(ada, "runs.start", { name: "train", computeUnits: 30 });
  expect(answer).toMatchObject({ status: 200, data: { name: "train", computeUnits: 30 } });
  expect(answer.headers.get("ratelimit-policy")).toBe('"compute";q=100;w=604800');
  expect(answer.headers.get("ratelimit")).toBe('"compute";r=70;t=604800');
  expect(await used(ada)).toBe(30);
});

test("when the limit stops it: 402, the typed cause, and nothing was done", async () => {
  const bo = await tenant("bo");
  await consume(bo, { feature: "compute", units: 90 });
  const answer = await call(bo, "runs.start", { name: "train", computeUnits: 30 });
  expect(answer.status).toBe(402);
  expect(answer.error).toMatchObject({
    data: {
      code: "PAYMENT_REQUIRED",
      appCode: "QUOTA_EXCEEDED",
      denial: { feature: "compute", used: 90, limit: 100, missing: 20, upgradeTo: "pro" },
    },
  });
  expect(answer.headers.get("ratelimit")).toMatch(/^"compute";r=10;t=\d+$/);
  expect(await count("runs", bo)).toBe(0);
  expect(await used(bo)).toBe(90);
});

test("input that is refused after the charge was made takes the charge back with it", async () => {
  const cleo = await tenant("cleo");
  const answer = await call(cleo, "runs.start", { name: "", computeUnits: 30 });
  expect(answer.status).toBe(400);
  expect(await used(cleo)).toBe(0);
  expect(await count("runs", cleo)).toBe(0);
});

test("the same Idempotency-Key never does or charges the same thing twice", async () => {
  const dan = await tenant("dan");
  const answers = await Promise.all(
    Array.from({ length: 10 }, () =>
      call(dan, "runs.start", { name: "once", computeUnits: 10 }, { "idempotency-key": "order-66" }),
    ),
  );
  expect(answers.map((answer) => answer.status).sort()).toEqual([200, ...Array(9).fill(409)]);
  expect(await used(dan)).toBe(10);
  expect(await count("runs", dan)).toBe(1);
});

test("parallel guarded calls do exactly as much as the plan allows", async () => {
  const eve = await tenant("eve");
  const answers = await Promise.all(
    Array.from({ length: 30 }, () => call(eve, "runs.start", { name: "burst", computeUnits: 9 })),
  );
  expect(answers.filter((answer) => answer.status === 200)).toHaveLength(11);
  expect(await count("runs", eve)).toBe(11);
  expect(await used(eve)).toBe(99);
});

test("channels are held until they are removed", async () => {
  const flo = await tenant("flo");
  const made = await Promise.all(
    Array.from({ length: 7 }, (_, at) => call(flo, "channels.create", { name: `c${at}` })),
  );
  const ok = made.filter((answer) => answer.status === 200);
  expect(ok).toHaveLength(5);
  expect(made.find((answer) => answer.status === 402)?.error?.data.denial).toMatchObject({
    feature: "channels",
    limit: 5,
    upgradeTo: "pro",
  });
  const id = (ok[0]!.data as { id: string }).id;
  expect((await call(flo, "channels.remove", { id })).status).toBe(200);
  expect((await call(flo, "channels.remove", { id })).status).toBe(404);
  expect((await call(flo, "channels.create", { name: "again" })).status).toBe(200);
});
