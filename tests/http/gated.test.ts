import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { AppError } from "@/server/errors";
import { consume } from "@/server/quota/consume";
import { call } from "./call";
import { productOf } from "./product";

const { tenant, owner } = await world();
const product = productOf({
  fails: () => {
    throw new AppError("NOT_FOUND", "There is no such thing.");
  },
  receipt: ({ quota, inTransaction }) => ({ entryId: quota.receipt?.entryId, inTransaction }),
  more: ({ quota }) => quota.charge(1),
});

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

test("input that is refused is never charged, also where nothing is left that could be", async () => {
  const cleo = await tenant("cleo");
  const entries = await count("entries", cleo);
  expect((await call(cleo, "runs.start", { name: "", computeUnits: 30 })).status).toBe(400);
  expect(await count("entries", cleo)).toBe(entries);
  await consume(cleo, { feature: "compute", units: 100 });
  expect((await call(cleo, "runs.start", { name: "", computeUnits: 30 })).status).toBe(400);
  expect(await used(cleo)).toBe(100);
});

test("work that fails takes its charge back with it", async () => {
  const cleo = await tenant("cleo");
  const answer = await call(cleo, "charge", { work: "fails", units: 30 }, {}, product);
  expect([answer.status, answer.error?.data.appCode]).toEqual([404, "NOT_FOUND"]);
  expect(answer.headers.get("ratelimit")).toBeNull();
  expect(await used(cleo)).toBe(0);
  expect(await count("entries", cleo)).toBe(await count("entries", await tenant("nobody")));
});

test("work knows its receipt and runs in the charge's own transaction", async () => {
  const cleo = await tenant("cleo");
  const { data } = await call(cleo, "charge", { work: "receipt", units: 30 }, {}, product);
  const [entry] =
    await owner`select id from entries where tenant_id = ${cleo.tenant.id} and operation = 'consume'`;
  expect(data).toEqual({ entryId: entry!.id, inTransaction: true });
});

test("a price per item is charged for each of them, and an empty list is refused", async () => {
  const cleo = await tenant("cleo");
  const send = (items: string[]) => call(cleo, "each", { work: "receipt", items }, {}, product);
  expect((await send(["a@x.test", "b@x.test", "c@x.test"])).status).toBe(200);
  expect((await send([])).error?.data.appCode).toBe("INVALID_INPUT");
  const [meter] =
    await owner`select used from meters where tenant_id = ${cleo.tenant.id} and feature = 'messages'`;
  expect(Number(meter!.used)).toBe(6);
});

test("what was charged before can't be charged again, and neither can what has no policy", async () => {
  const cleo = await tenant("cleo");
  for (const path of ["charge", "open"])
    expect((await call(cleo, path, { work: "more" }, {}, product)).status).toBe(500);
  expect(await used(cleo)).toBe(0);
});

test("the same Idempotency-Key does and charges the same thing once, and gets the same answer", async () => {
  const dan = await tenant("dan");
  const answers = await Promise.all(
    Array.from({ length: 10 }, () =>
      call(dan, "runs.start", { name: "once", computeUnits: 10 }, { "idempotency-key": "order-66" }),
    ),
  );
  expect(answers.map((answer) => answer.status)).toEqual(Array(10).fill(200));
  expect(new Set(answers.map((answer) => answer.body)).size).toBe(1);
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
