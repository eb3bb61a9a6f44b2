import { storyPrices } from "@tests/quota/story-prices";
import { world } from "@tests/support/world";
import { describe, expect, test, vi } from "vitest";
import { z } from "zod";
import type { TenantCtx } from "@/server/context";
import type { QuotaPolicy } from "@/server/guard/quota-policy";
import { router, tenantProcedure } from "@/server/trpc";
import { type Answer, call } from "./call";

const { tenant, owner, clock } = await world({ prices: storyPrices });

const standing = (answer: Answer) => answer.headers.get("tollgate-quota") ?? "";
const left = (answer: Answer) => answer.headers.get("ratelimit");
const used = async (of: TenantCtx, feature: string) =>
  Number(
    (await owner`select used from meters where tenant_id = ${of.tenant.id} and feature = ${feature}`)[0]!
      .used,
  );

describe("a hold over HTTP", () => {
  test("is made and committed for what was used; every answer says what is left", async () => {
    const ada = await tenant("ada");
    const reserved = await call(ada, "quota.reserve", { feature: "compute", units: 60, key: "job-1" });
    const { holdId } = reserved.data as { holdId: string };
    expect(left(reserved)).toMatch(/^"compute";r=40;/);
    const again = await call(ada, "quota.reserve", { feature: "compute", units: 60, key: "job-1" });
    expect(again.data).toMatchObject({ holdId, replayed: true });
    const committed = await call(ada, "quota.commit", { holdId, units: 25 });
    expect(committed.data).toMatchObject({ units: 25, charged: 25, used: 25 });
    expect([left(committed), standing(committed)]).toEqual([
      expect.stringMatching(/^"compute";r=75;/),
      expect.stringMatching(/^"compute";used=25;limit=100;/),
    ]);
    const { entryId } = committed.data as { entryId: string };
    const explained = await call(ada, "quota.explain", { entryId });
    expect(explained.data).toMatchObject({ operation: "commit", units: 25 });
  });

  test("is given back", async () => {
    const ada = await tenant("ada");
    const { data } = await call(ada, "quota.reserve", { feature: "compute", units: 60 });
    const released = await call(ada, "quota.releaseHold", { holdId: (data as { holdId: string }).holdId });
    expect(left(released)).toMatch(/^"compute";r=100;/);
    expect(await used(ada, "compute")).toBe(0);
  });

  test("tells what credits came back with it", async () => {
    const ada = await tenant("ada");
    await owner`insert into lots (tenant_id, id, unit, kind, granted, remaining, starts_at, priority, source, created_at)
      values (${ada.tenant.id}, 'lot_gift', 'credits', 'promo', 30, 30, ${clock.now()}, 30, 'gift', ${clock.now()})`;
    await owner`insert into entries (tenant_id, id, idempotency_key, operation, feature, units, actor, properties, created_at)
      values (${ada.tenant.id}, 'ent_0gift', 'grant:gift', 'grant', 'credits', 30, 'system:test', '{"lotId":"lot_gift"}', ${clock.now()})`;
    const reserved = await call(ada, "quota.reserve", { feature: "compute", units: 110 });
    expect(standing(reserved)).toContain(";credits=15;beyond=10;");
    const { holdId } = reserved.data as { holdId: string };
    const committed = await call(ada, "quota.commit", { holdId, units: 100 });
    expect(standing(committed)).toContain(";credits=-15;settled;");
    expect(left(committed)).toMatch(/^"compute";r=0;/);
  });

  test("that is denied is 402 with the way out", async () => {
    const ada = await tenant("ada");
    const answer = await call(ada, "quota.reserve", { feature: "compute", units: 130 });
    expect(answer.status).toBe(402);
    expect(answer.error?.data).toMatchObject({
      appCode: "QUOTA_EXCEEDED",
      denial: { feature: "compute", reason: "request_cap", limit: 100 },
    });
  });
});

test("asking moves nothing, and its answer's headers say so", async () => {
  const ada = await tenant("ada");
  const answer = await call(ada, "quota.check", { feature: "compute", units: 60 });
  expect(answer.data).toMatchObject({ allowed: true, used: 60 });
  expect([left(answer), standing(answer)]).toEqual([
    expect.stringMatching(/^"compute";r=100;/),
    expect.stringMatching(/^"compute";used=0;limit=100;/),
  ]);
  expect(left(await call(ada, "quota.check", { feature: "sso" }))).toBeNull();
});

test("places of a level are taken and given back", async () => {
  const ada = await tenant("ada");
  const taken = await call(ada, "quota.consume", { feature: "seats", units: 2 });
  expect(standing(taken)).toMatch(/^"seats";used=2;limit=3;/);
  const back = await call(ada, "quota.release", { feature: "seats", units: 1, key: "left" });
  expect(standing(back)).toMatch(/^"seats";used=1;limit=3;/);
});

test("a spend cap is set by who may, holds from the next call on, and is seen in the status", async () => {
  const ada = await tenant("ada");
  const { plan } = (await call(ada, "quota.status")).data as { plan: { id: string } };
  expect(plan.id).toBe("free");
  await call(ada, "quota.setSpendCap", { feature: "mails", capMinor: 40 });
  const { meters } = (await call(ada, "quota.status")).data as {
    meters: { feature: string; rule: { spendCapMinor: number } }[];
  };
  expect(meters.find(({ feature }) => feature === "mails")?.rule.spendCapMinor).toBe(40);
  expect((await call(ada, "quota.consume", { feature: "mails", units: 70 })).status).toBe(200);
  const answer = await call(ada, "quota.consume", { feature: "mails", units: 1 });
  expect(answer.error?.data).toMatchObject({ appCode: "QUOTA_EXCEEDED", denial: { reason: "spend_cap" } });
});

describe("policies of the procedure middleware", () => {
  const input = z.strictObject({
    tokens: z.number().int().default(0),
    sure: z.boolean().default(false),
    prompts: z.array(z.string()).default(["one"]),
  });
  type Input = z.output<typeof input>;
  const guarded = (quota: object) => tenantProcedure.meta({ quota: quota as QuotaPolicy }).input(input);
  const chats = {
    feature: "chats",
    costs: ({ tokens }: Input) => ({ input_tokens: tokens }),
    per: ({ prompts }: Input) => prompts,
  };
  const product = router({
    chat: guarded({ ...chats, mode: "consume" }).mutation(() => "ok"),
    model: guarded({ ...chats, mode: "reserve" }).mutation(({ ctx }) => {
      ctx.quota.charge({ input_tokens: 300 });
      ctx.quota.charge({ input_tokens: 50, output_tokens: 100 });
    }),
    unknown: guarded({ ...chats, mode: "reserve" }).mutation(({ ctx }) => ctx.quota.charge({ tea: 1 })),
    mixed: guarded({ ...chats, mode: "reserve" }).mutation(({ ctx }) => {
      ctx.quota.charge(1);
      ctx.quota.charge({ input_tokens: 50 });
    }),
    render: guarded({
      feature: "renders",
      units: 7,
      mode: "consume",
      confirmed: ({ sure }: Input) => sure,
    }).mutation(() => "ok"),
  });

  test("costs of a shared meter come to units by the plan's rates, for each item", async () => {
    const ada = await tenant("ada");
    expect((await call(ada, "chat", { tokens: 250 }, {}, product)).status).toBe(200);
    expect(await used(ada, "compute")).toBe(5 + 3);
    expect((await call(ada, "chat", { tokens: 250, prompts: ["a", "b"] }, {}, product)).status).toBe(200);
    expect(await used(ada, "compute")).toBe(5 + 3 + 5 + 5);
  });

  test("costs really used settle what was set aside, rounded once", async () => {
    const ada = await tenant("ada");
    expect((await call(ada, "model", { tokens: 2_000 }, {}, product)).status).toBe(200);
    expect(await used(ada, "compute")).toBe(5 + 7);
    const [commit] =
      await owner`select breakdown from entries where tenant_id = ${ada.tenant.id} and operation = 'commit'`;
    expect(commit!.breakdown).toMatchObject({ asked: { input_tokens: 350, output_tokens: 100 } });
    expect((await call(ada, "mixed", {}, {}, product)).status).toBe(500);
    expect(await used(ada, "compute")).toBe(5 + 7);
  });

  test("a cost without a rate is the procedure's fault: the call fails, and everything goes back", async () => {
    const ada = await tenant("ada");
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const answer = await call(ada, "unknown", { tokens: 900 }, {}, product);
    expect([answer.status, answer.error?.data.appCode]).toEqual([500, null]);
    expect(JSON.stringify(log.mock.calls)).toContain("no cost called");
    log.mockRestore();
    expect(await used(ada, "compute")).toBe(0);
  });

  test("what a procedure set aside is not its caller's to settle", async () => {
    const ada = await tenant("ada");
    await call(ada, "model", { tokens: 2_000 }, {}, product);
    const [hold] = await owner`select id from holds where tenant_id = ${ada.tenant.id}`;
    for (const verb of ["commit", "releaseHold"]) {
      const answer = await call(ada, `quota.${verb}`, { holdId: hold!.id });
      expect(answer.error?.data.appCode).toBe("NOT_FOUND");
    }
    expect(await used(ada, "compute")).toBe(5 + 7);
  });

  test("more than one call may cost is refused before it begins", async () => {
    const ada = await tenant("ada");
    const answer = await call(ada, "chat", { tokens: 9_000 }, {}, product);
    expect(answer.error?.data).toMatchObject({
      denial: { feature: "chats", reason: "request_cap", missing: 55 },
    });
  });

  test("a limit that asks first is passed by who said yes", async () => {
    const ada = await tenant("ada");
    const asked = await call(ada, "render", {}, {}, product);
    expect(asked.error?.data).toMatchObject({
      appCode: "QUOTA_EXCEEDED",
      denial: { reason: "confirm", missing: 2 },
    });
    expect((await call(ada, "render", { sure: true }, {}, product)).status).toBe(200);
  });
});
