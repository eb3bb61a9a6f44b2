import { testDatabase } from "@tests/support/database";
import { seed } from "@tests/support/seed";
import { sql } from "drizzle-orm";
import { afterAll, afterEach, expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { inTenant } from "@/server/db/transaction";
import { auditEvents } from "@/server/events/tables";
import { verifyBooks } from "@/server/ledger/books";
import { consume } from "@/server/quota/consume";
import { sweepHolds } from "@/server/quota/jobs";
import { sweepLeases } from "@/server/quota/leases";
import { insist, loadStep } from "./load";
import { proofPrices } from "./model/prices";
import { openProxy } from "./proxy";
import { runs, TIMEOUT_MS } from "./runs";
import { scenario } from "./scenario";
import { newTenant, openStage, systemCtx } from "./stage";
import { storyOf } from "./story";

const urls = await testDatabase();
const proxy = await openProxy(urls.appUrl);
const direct = openStage(urls, proofPrices);
const stage = openStage({ ...urls, appUrl: proxy.url }, proofPrices, { poolSize: 6 });
const startAt = new Date(scenario[0]!.atMs);
const endAt = new Date(scenario.at(-1)!.atMs);

afterAll(async () => {
  await Promise.all([stage.close(), direct.close()]);
  await proxy.close();
});
afterEach(async () => {
  const ctx = systemCtx(direct, () => endAt);
  await sweepHolds(ctx);
  await sweepLeases(ctx);
  expect(await verifyBooks(ctx)).toEqual([]);
});

async function play(ctx: TenantCtx, from: number, to: number): Promise<void> {
  for (const { atMs, run } of scenario.slice(from, to)) await run({ ...ctx, now: () => new Date(atMs) });
}

test.each(["before", "after"] as const)(
  "a line that is cut %s the statement that counts, in every verb: asked again, everything is done once",
  { timeout: TIMEOUT_MS },
  async (when) => {
    const whole = await newTenant(direct, () => startAt);
    await play(whole, 0, scenario.length);
    const undisturbed = await storyOf(urls.owner, whole.tenant.id);
    for (const [at, { name, effect, atMs, run }] of scenario.entries()) {
      const ctx = await newTenant(direct, () => startAt);
      await play(ctx, 0, at);
      const far = { ...ctx, db: stage.db, now: () => new Date(atMs) };
      if (effect === "gate_consume_one") proxy.cut(when, effect);
      else proxy.cut(when, "commit", effect);
      const answer = await run(far).catch((error: unknown) => error);
      expect([name, proxy.wasCut()]).toEqual([name, true]);
      expect([name, answer]).toEqual([name, expect.objectContaining({ code: "BUSY" })]);
      await run(far);
      await play(ctx, at + 1, scenario.length);
      expect([name, await storyOf(urls.owner, ctx.tenant.id)]).toEqual([name, undisturbed]);
    }
  },
);

test("the answer to a retry is the one that was lost", async () => {
  const ctx = { ...(await newTenant(direct, () => startAt)), db: stage.db };
  proxy.cut("after", "gate_consume");
  const call = () => consume(ctx, { feature: "compute", units: 7, key: "lost" });
  await expect(call()).rejects.toMatchObject({ code: "BUSY" });
  const receipt = await call();
  expect(receipt).toMatchObject({ allowed: true, replayed: true, used: 7, drawn: { allowance: 7 } });
  expect(await call()).toEqual(receipt);
});

test(`${runs.lostAnswers} cuts at any statement under load: every call is carried out once`, {
  timeout: TIMEOUT_MS,
}, async () => {
  const cast = [await newTenant(direct, () => startAt), await newTenant(direct, () => startAt)];
  const needles = ["commit", "gate_consume", "set_config", "gate_", "lots", "begin", "entries"];
  let stop = false;
  const said: { lane: number; n: number; made: string | null }[] = [];
  const lane = async (number: number) => {
    const ctx = { ...cast[number % cast.length]!, db: stage.db };
    for (let n = 0; !stop; n += 1)
      said.push({ lane: number, n, made: await insist(() => loadStep("cut", number, n).run(ctx)) });
  };
  const lanes = Array.from({ length: 8 }, (_, number) => lane(number));
  for (let cut = 0; cut < runs.lostAnswers; cut += 1) {
    const luck = (seed + cut * 7_919) % (needles.length * 2);
    proxy.cut(luck % 2 === 0 ? "after" : "before", needles[luck >> 1]!);
    const before = said.length;
    await expect
      .poll(() => proxy.wasCut() && said.length > before, { timeout: 20_000, interval: 2 })
      .toBe(true);
  }
  stop = true;
  await Promise.all(lanes);
  for (const { lane, n, made } of said.filter((one) => one.made !== null))
    expect(await loadStep("cut", lane, n).run(cast[lane % cast.length]!)).toBe(made);
});

test("a transaction whose line was cut reads nothing more, and never another tenant's rows", async () => {
  const [ada, bo] = [await newTenant(direct, () => startAt), await newTenant(direct, () => startAt)];
  const narrow = openStage({ ...urls, appUrl: proxy.url }, proofPrices, { poolSize: 1 });
  const ours = (tx: Parameters<Parameters<typeof inTenant>[1]>[0]) =>
    tx.select({ tenantId: auditEvents.tenantId }).from(auditEvents);
  const seen: unknown[] = [];
  let stale: (() => Promise<unknown>) | undefined;
  const cut = inTenant({ ...ada, db: narrow.db }, async (tx) => {
    stale = async () => ours(tx);
    proxy.cut("after", "cut me here");
    await tx.execute(sql`select 'cut me here'`);
  });
  await expect(cut).rejects.toMatchObject({ code: "BUSY" });
  await inTenant({ ...bo, db: narrow.db }, async (tx) => {
    seen.push(...(await ours(tx)));
    await expect(stale!()).rejects.toMatchObject({
      cause: { message: expect.stringContaining("TX_HANDLE_CLOSED") },
    });
    seen.push(...(await ours(tx)));
  });
  expect(seen.length).toBeGreaterThan(0);
  expect(seen).toEqual(seen.map(() => ({ tenantId: bo.tenant.id })));
  await narrow.close();
});
