import { world } from "@tests/support/world";
import { afterEach, expect, test, vi } from "vitest";
import { createApiKey } from "@/server/accounts/api-keys";
import { api, dataOf, errorOf, member, ORIGIN, wire } from "./edge";

const { tenant, owner, runtime } = await world();
const { send, get, post } = api(runtime);
const ada = await tenant("ada");
const { key } = await createApiKey(ada, { name: "server" });
const live = { authorization: `Bearer ${key}` };
const log = vi.spyOn(console, "error").mockImplementation(() => {});

afterEach(() => {
  expect(log).not.toHaveBeenCalled();
  expect(({} as { admin?: unknown }).admin).toBeUndefined();
});

const entriesCount = async () => Number((await owner`select count(*) from entries`)[0]!.count);

function raw(body: string | undefined, headers: Record<string, string> = {}, path = "quota.consume") {
  const all = { "content-type": "application/json", ...live, ...headers };
  return send(new Request(`${ORIGIN}/api/trpc/${path}`, { method: "POST", headers: all, body }));
}

test.each([
  ["no origin at all", {}, 403],
  ["another origin", { origin: "https://evil.example" }, 403],
  ["a null origin", { origin: "null" }, 403],
  ["another port", { origin: "http://app.test:8080" }, 403],
  ["another site", { origin: ORIGIN, "sec-fetch-site": "cross-site" }, 403],
  ["a sibling subdomain", { origin: ORIGIN, "sec-fetch-site": "same-site" }, 403],
  ["an address bar", { origin: ORIGIN, "sec-fetch-site": "none" }, 403],
  ["our own page", { origin: ORIGIN, "sec-fetch-site": "same-origin" }, 200],
  ["our own page in an older browser", { origin: ORIGIN }, 200],
])("a mutation by cookie from %s: %#", async (_from, headers: Record<string, string>, status) => {
  const { cookie, "x-workspace": workspace } = member(ada);
  const before = await entriesCount();
  const answer = await post(
    "quota.consume",
    { cookie: cookie!, "x-workspace": workspace!, ...headers },
    { feature: "messages" },
  );
  expect(answer.status).toBe(status);
  expect((await entriesCount()) - before).toBe(status === 200 ? 1 : 0);
});

test("a query by cookie is not answered to another site", async () => {
  const { cookie, "x-workspace": workspace } = member(ada);
  const ask = (site: string | null) =>
    get("quota.status", {
      cookie: cookie!,
      "x-workspace": workspace!,
      ...(site ? { "sec-fetch-site": site } : {}),
    });
  for (const site of ["cross-site", "same-site"]) expect((await ask(site)).status).toBe(403);
  for (const site of ["same-origin", "none", null]) expect((await ask(site)).status).toBe(200);
});

test("a key needs no origin", async () => {
  expect((await post("quota.consume", live, { feature: "messages" })).status).toBe(200);
});

test.each([
  "multipart/form-data; boundary=x",
  "application/x-www-form-urlencoded",
  "text/plain",
  "application/jsonp",
  "application/octet-stream",
  "",
])("a body of type %j is refused", async (type) => {
  const answer = await raw(wire({ feature: "messages" }), { "content-type": type });
  expect([answer.status, (await errorOf(answer))?.data.code]).toEqual([415, "UNSUPPORTED_MEDIA_TYPE"]);
});

test("a body over 256 kB is refused, whether its length was told or not", async () => {
  const big = wire({ feature: "x".repeat(5_000_000) });
  const told = await raw(big, { "content-length": String(big.length) });
  expect([told.status, (await errorOf(told))?.data.code]).toEqual([413, "PAYLOAD_TOO_LARGE"]);
  let sent = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += 65_536;
      controller.enqueue(new Uint8Array(65_536).fill(0x20));
    },
  });
  const request = new Request(`${ORIGIN}/api/trpc/quota.consume`, {
    method: "POST",
    headers: { "content-type": "application/json", ...live },
    body: endless,
    ...{ duplex: "half" },
  });
  expect((await send(request)).status).toBe(413);
  expect(sent).toBeLessThan(1_000_000);
});

const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;

test.each([
  ["no JSON", "{"],
  ["nested 10,000 objects deep", `{"json":${nested(10_000)}}`],
  ["nested 20,000 arrays deep", `{"json":${"[".repeat(20_000)}${"]".repeat(20_000)}}`],
  ["with 20,000 keys", `{"json":{${Array.from({ length: 20_000 }, (_, at) => `"k${at}":1`).join()}}}`],
  ["with __proto__", '{"json":{"feature":"messages","__proto__":{"admin":true}}}'],
  ["with __proto__ below", '{"json":{"feature":"messages","properties":{"__proto__":{"admin":true}}}}'],
  ["with constructor.prototype", '{"json":{"constructor":{"prototype":{"admin":true}}}}'],
  [
    "with a type note on __proto__",
    '{"json":{"feature":"messages"},"meta":{"values":{"__proto__.admin":["Date"]}}}',
  ],
  [
    "with a type note on constructor",
    '{"json":{"feature":"messages"},"meta":{"values":{"constructor.prototype.admin":["Date"]}}}',
  ],
  [
    "with equal references to prototypes",
    '{"json":{"feature":"messages"},"meta":{"referentialEqualities":{"feature":["__proto__.admin"]}}}',
  ],
  [
    "with endless type notes",
    JSON.stringify({
      json: Array.from({ length: 9_000 }, (_, at) => at),
      meta: { values: Object.fromEntries(Array.from({ length: 9_000 }, (_, at) => [at, ["Date"]])) },
    }),
  ],
  ["with nested type notes", `{"json":{},"meta":${nested(10_000)}}`],
  ["with an unknown type note", '{"json":{"feature":"messages"},"meta":{"values":{"feature":["Teleport"]}}}'],
  ["that is null", "null"],
  ["that is a number", "7"],
  ["that is empty", ""],
])("a body %s is the caller's mistake, found quickly, and does nothing", async (_what, body) => {
  const before = await entriesCount();
  for (const batched of [false, true]) {
    const path = batched ? "quota.consume?batch=1" : "quota.consume";
    const cpu = process.cpuUsage();
    const answer = await raw(batched && body !== "" ? `{"0":${body}}` : body, {}, path);
    // What it costs, not how long it takes beside whatever else this machine does.
    expect(process.cpuUsage(cpu).user / 1_000).toBeLessThan(500);
    expect([400, 415]).toContain(answer.status);
  }
  expect(await entriesCount()).toBe(before);
});

test("the same holds for what stands in a query's address", async () => {
  for (const input of [nested(3_000), '{"json":{"__proto__":{"admin":true}}}', "{", "[[[[["]) {
    const url = `${ORIGIN}/api/trpc/quota.check?input=${encodeURIComponent(input)}`;
    expect((await send(new Request(url, { headers: live }))).status).toBe(400);
  }
});

test("ten calls go in one request, eleven and a thousand don't, and none of those is made", async () => {
  const batch = (count: number) => {
    const path = Array.from({ length: count }, () => "quota.consume").join();
    const calls = Array.from({ length: count }, (_, at) => [
      at,
      { json: { feature: "messages", key: `${count}-${at}` } },
    ]);
    return raw(JSON.stringify(Object.fromEntries(calls)), {}, `${path}?batch=1`);
  };
  const before = await entriesCount();
  for (const count of [11, 1_000]) expect((await batch(count)).status).toBe(400);
  expect(await entriesCount()).toBe(before);
  expect((await batch(10)).status).toBe(200);
  expect(await entriesCount()).toBe(before + 10);
});

test("a mutation is not made by GET, and no method is smuggled in", async () => {
  const before = await entriesCount();
  const url = `${ORIGIN}/api/trpc/quota.consume?input=${encodeURIComponent(wire({ feature: "messages" }))}`;
  for (const headers of [live, { ...live, "x-http-method-override": "POST" }])
    expect((await send(new Request(url, { headers }))).status).toBe(405);
  expect((await raw(wire(undefined), {}, "quota.status")).status).toBe(405);
  expect(await entriesCount()).toBe(before);
});

test("what does not exist is not found", async () => {
  for (const path of ["nothing.here", "__proto__", "constructor", "quota", "quota.toString", "..%2Fadmin"])
    expect((await get(path, live)).status).toBe(404);
});

test("answers are kept by no cache", async () => {
  expect((await get("quota.status", live)).headers.get("cache-control")).toBe("no-store");
  expect((await raw("{")).headers.get("cache-control")).toBe("no-store");
  expect(await dataOf(await get("billing.plans"))).toBeTruthy();
});
