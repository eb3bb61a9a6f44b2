import { world } from "@tests/support/world";
import superjson from "superjson";
import { expect, test } from "vitest";
import { readStandings, STANDINGS_HEADER } from "@/lib/standings";
import type { TenantCtx } from "@/server/context";
import { grantCredits } from "@/server/credits/grant-credits";
import { block } from "@/server/entitlements/block";
import { consume } from "@/server/quota/consume";
import { status } from "@/server/quota/status";
import { api, member, ORIGIN } from "./edge";

const { tenant, runtime, clock } = await world();
const { send } = api(runtime);

/** Several calls in one request, as the browser's link sends them. */
async function batch(ctx: TenantCtx, calls: [path: string, input: unknown][]) {
  const paths = calls.map(([path]) => path).join(",");
  const inputs = Object.fromEntries(calls.map(([, input], at) => [at, superjson.serialize(input)]));
  const headers = { "content-type": "application/json", ...member(ctx) };
  const body = JSON.stringify(inputs);
  const url = `${ORIGIN}/api/trpc/${paths}?batch=1`;
  const response = await send(new Request(url, { method: "POST", headers, body }));
  return { response, told: readStandings(response.headers.get(STANDINGS_HEADER)) };
}

test("what an answer says is left is what is left: of a window, of a level, of what is unlimited", async () => {
  const ada = await tenant("ada");
  const { response, told } = await batch(ada, [["runs.start", { name: "train", computeUnits: 30 }]]);
  expect(response.status).toBe(200);
  const [compute] = (await status(ada)).meters.filter(({ feature }) => feature === "compute");
  expect(told).toEqual([
    {
      feature: "compute",
      used: 30,
      limit: 100,
      resetsAt: compute?.resetsAt,
      moved: { lots: 0, credits: 0, beyond: 0, over: 0 },
      blocked: false,
      settled: false,
      at: clock.now(),
    },
  ]);
  const level = await batch(ada, [["channels.create", { name: "general" }]]);
  expect(level.told).toMatchObject([{ feature: "channels", used: 1, limit: 5, resetsAt: null }]);
  expect(level.response.headers.get("ratelimit")).toBeNull();
});

test("calls of one batch share its headers: each feature has one member, with what holds after all of them", async () => {
  const bo = await tenant("bo");
  const { response, told } = await batch(bo, [
    ["runs.start", { name: "a", computeUnits: 10 }],
    ["channels.create", { name: "b" }],
    ["runs.start", { name: "c", computeUnits: 5 }],
    ["quota.consume", { feature: "messages", units: 2 }],
  ]);
  expect(response.status).toBe(200);
  expect(told.map(({ feature, used }) => [feature, used]).sort()).toEqual([
    ["channels", 1],
    ["compute", 15],
    ["messages", 2],
  ]);
  const left = response.headers.get("ratelimit")?.split(", ").sort();
  expect(left).toEqual([
    expect.stringMatching(/^"compute";r=85;t=\d+$/),
    expect.stringMatching(/^"messages";r=9998;t=\d+$/),
  ]);
  const policies = response.headers.get("ratelimit-policy")?.split(", ").sort();
  expect(policies).toEqual(['"compute";q=100;w=604800', expect.stringMatching(/^"messages";q=10000;w=\d+$/)]);
});

test("credits that several calls drew add up", async () => {
  const cleo = await tenant("cleo");
  await grantCredits(cleo, { kind: "purchase", source: "gift", amount: 100 });
  await consume(cleo, { feature: "compute", units: 95 });
  const { told } = await batch(cleo, [
    ["runs.start", { name: "a", computeUnits: 10 }],
    ["runs.start", { name: "b", computeUnits: 20 }],
  ]);
  expect(told).toMatchObject([{ used: 100, moved: { lots: 0, credits: 25, beyond: 25, over: 0 } }]);
  expect((await status(cleo)).credits.available).toBe(75);
});

test("a refusal says what there is; a blocked account says that it is", async () => {
  const dan = await tenant("dan");
  await consume(dan, { feature: "compute", units: 90 });
  const refused = await batch(dan, [["runs.start", { name: "a", computeUnits: 30 }]]);
  expect(refused.response.status).toBe(402);
  expect(refused.told).toMatchObject([{ feature: "compute", used: 90, limit: 100, blocked: false }]);
  await block(dan, { reason: "past due" });
  const blocked = await batch(dan, [["runs.start", { name: "a", computeUnits: 1 }]]);
  expect(blocked.told).toMatchObject([{ feature: "compute", used: 90, blocked: true }]);
});

test("a charge that was taken back with its call is not told as made", async () => {
  const eve = await tenant("eve");
  const { response, told } = await batch(eve, [["runs.start", { name: "", computeUnits: 30 }]]);
  expect(response.status).toBe(400);
  expect(told.filter(({ used }) => used !== 0)).toEqual([]);
});

test("a place that was given back is told", async () => {
  const flo = await tenant("flo");
  const made = await batch(flo, [["channels.create", { name: "a" }]]);
  const [answer] = (await made.response.json()) as [{ result: { data: { json: { id: string } } } }];
  const { told } = await batch(flo, [["channels.remove", { id: answer.result.data.json.id }]]);
  expect(told).toMatchObject([{ feature: "channels", used: 0, limit: 5 }]);
});

test("a stored receipt is of another time: it says nothing of what is left", async () => {
  const gus = await tenant("gus");
  const call: [string, unknown] = ["quota.consume", { feature: "compute", units: 5, key: "k" }];
  expect((await batch(gus, [call])).told).toHaveLength(1);
  await consume(gus, { feature: "compute", units: 50 });
  const again = await batch(gus, [call]);
  expect(again.response.status).toBe(200);
  expect(again.told).toEqual([]);
});
