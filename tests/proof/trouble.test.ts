import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { testDatabase } from "@tests/support/database";
import { sql } from "drizzle-orm";
import { afterAll, afterEach, expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { grantCredits } from "@/server/credits/grant-credits";
import { inTenant } from "@/server/db/transaction";
import { verifyBooks } from "@/server/ledger/books";
import { check } from "@/server/quota/check";
import { consume } from "@/server/quota/consume";
import { rollDue, sweepHolds } from "@/server/quota/jobs";
import { acquireLease, sweepLeases } from "@/server/quota/leases";
import { reserve } from "@/server/quota/reserve";
import { proofPrices } from "./model/prices";
import { newTenant, openStage, type Stage, systemCtx } from "./stage";
import { watchStatements } from "./statements";

const urls = await testDatabase();
const stage = openStage(urls, proofPrices);
const { owner } = stage;
const clock = { ms: Date.parse("2026-03-02T09:00:00.000Z") };
const now = () => new Date(clock.ms);
const tenant = () => newTenant(stage, now);
const BUSY = { code: "BUSY" };
const HOUR_MS = 3_600_000;

afterAll(() => stage.close());
afterEach(async () => {
  const ctx = systemCtx(stage, now);
  await sweepHolds(ctx);
  await sweepLeases(ctx);
  expect(await verifyBooks(ctx)).toEqual([]);
});

/** Milliseconds until it settles, and how. */
async function timed<T>(work: Promise<T>): Promise<{ tookMs: number; error?: unknown; value?: T }> {
  const startedMs = performance.now();
  const outcome = await work.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  return { tookMs: performance.now() - startedMs, ...outcome };
}

const entriesOf = async (ctx: TenantCtx, operation: string) =>
  Number(
    (
      await owner`select count(*) from entries where tenant_id = ${ctx.tenant.id} and operation = ${operation}`
    )[0]!.count,
  );

/** What waits inside PostgreSQL for a lock that somebody else holds. */
const waiting = async () =>
  Number(
    (
      await owner`select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
    )[0]!.count,
  );

test("a pool that sleeps: verbs are turned away within two seconds, the gate goes on, and all works again at once", async () => {
  const ctx = await tenant();
  const pids: number[] = [];
  const sleepers = Array.from({ length: 10 }, () =>
    inTenant(ctx, async (tx) => {
      const [row] = await tx.execute<{ pid: number }>(sql`select pg_backend_pid() as pid`);
      pids.push(Number(row!.pid));
      await tx.execute(sql`select pg_sleep(60)`);
    }).catch((error: unknown) => error),
  );
  await expect.poll(() => pids.length).toBe(10);
  const asked = [
    timed(reserve(ctx, { feature: "compute", units: 1, key: "busy" })),
    timed(grantCredits(ctx, { amount: 1, kind: "promo", source: "busy" })),
  ];
  expect(await timed(consume(ctx, { feature: "compute", units: 3 }))).toMatchObject({
    value: { allowed: true, used: 3 },
  });
  expect(await timed(check(ctx, { feature: "compute" }))).toMatchObject({ value: { allowed: true } });
  for (const outcome of await Promise.all(asked)) {
    expect(outcome).toMatchObject({ error: BUSY });
    expect(outcome.tookMs).toBeLessThan(4_000);
  }
  for (const pid of pids) await owner`select pg_cancel_backend(${pid})`;
  for (const woken of await Promise.all(sleepers)) expect(woken).toMatchObject(BUSY);
  const again = await timed(reserve(ctx, { feature: "compute", units: 1, key: "busy" }));
  expect(again).toMatchObject({ value: { allowed: true, replayed: false, used: 4 } });
  expect(again.tookMs).toBeLessThan(1_000);
  expect(await entriesOf(ctx, "hold")).toBe(1);
});

test("a meter that is held too long: its calls are turned away typed and charge nothing, and nobody else is harmed", async () => {
  const ctx = await tenant();
  const other = await tenant();
  const calls = (who: TenantCtx) =>
    Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        timed(consume(who, { feature: "compute", units: 1, key: `held-${at}` })),
      ),
    );
  await owner.begin(async (holder) => {
    await holder`select 1 from meters where tenant_id = ${ctx.tenant.id} for update`;
    const [stuck, free] = await Promise.all([
      calls(ctx),
      timed(inTenant(other, (_tx, inner) => consume(inner, { feature: "compute", units: 1 }))),
    ]);
    for (const outcome of stuck) {
      expect(outcome).toMatchObject({ error: BUSY });
      expect(outcome.tookMs).toBeLessThan(4_000);
    }
    expect(free).toMatchObject({ value: { allowed: true } });
  });
  expect(await entriesOf(ctx, "consume")).toBe(0);
  for (const outcome of await calls(ctx))
    expect(outcome).toMatchObject({ value: { allowed: true, replayed: false } });
});

test("a statement that runs too long is cut off typed, and the same call is carried out afterwards, once", async () => {
  const ctx = await tenant();
  const hurried = openStage(withSetting("statement_timeout", "150"), proofPrices);
  await owner.begin(async (holder) => {
    await holder`select 1 from meters where tenant_id = ${ctx.tenant.id} for update`;
    const rushed = { ...ctx, db: hurried.db };
    const calls = [
      consume(rushed, { feature: "compute", units: 2, key: "rushed" }),
      reserve(rushed, { feature: "compute", units: 2, key: "rushed-hold" }),
    ];
    for (const outcome of await Promise.all(calls.map((call) => timed<unknown>(call))))
      expect(outcome).toMatchObject({ error: { ...BUSY, hint: expect.stringContaining("57014") } });
  });
  expect(await consume(ctx, { feature: "compute", units: 2, key: "rushed" })).toMatchObject({
    replayed: false,
    used: 2,
  });
  await hurried.close();
});

function withSetting(name: string, value: string) {
  const url = new URL(urls.appUrl);
  url.searchParams.set(name, value);
  return { ...urls, appUrl: url.href };
}

/** A stage that counts the statements of a kind: how often something was tried. */
function counting(at: typeof urls, counts: (statement: string) => boolean): [Stage, () => number] {
  let count = 0;
  const before = (statement: string) => {
    count += counts(statement) ? 1 : 0;
  };
  const wrap = (client: typeof owner) => watchStatements(client, { before });
  return [openStage(at, proofPrices, { wrap }), () => count];
}

test.each(["in a product's transaction", "in a shared batch"])(
  "a deadlock %s is broken by the database, and the calls are carried out once",
  async (where) => {
    const ctx = await tenant();
    const [counted, attempts] = counting(
      urls,
      (statement) => statement === "begin" || statement.startsWith("select gate_consume("),
    );
    const ours = { ...ctx, db: counted.db };
    const both = (inner: TenantCtx) =>
      ["calls", "messages"].map((feature) => consume(inner, { feature, key: feature }));
    const lock = (on: typeof owner, feature: string) =>
      on`select 1 from meters where tenant_id = ${ctx.tenant.id} and feature = ${feature} for update`;
    let work: Promise<unknown> = Promise.resolve();
    await owner.begin(async (rival) => {
      // So that ours is the one to be chosen.
      await rival`set local deadlock_timeout = '30s'`;
      await lock(rival as never, "messages");
      work =
        where === "in a shared batch"
          ? Promise.all(both(ours))
          : inTenant(ours, async (_tx, inner) => {
              for (const feature of ["calls", "messages"]) await consume(inner, { feature, key: feature });
            });
      await expect.poll(waiting).toBe(1);
      await lock(rival as never, "calls");
    });
    await work;
    expect(attempts()).toBe(2);
    expect(await entriesOf(ctx, "consume")).toBe(2);
    await counted.close();
  },
);

test.each(["gate", "pool"])(
  "a serialization failure on the %s's connections is tried again, and counts once",
  async (which) => {
    const ctx = await tenant();
    const [strict, attempts] = counting(
      withSetting("default_transaction_isolation", "repeatable read"),
      (statement) => /\bgate_\w+\(/.test(statement),
    );
    const ours = { ...ctx, db: strict.db };
    let work: Promise<unknown> = Promise.resolve();
    await owner.begin(async (rival) => {
      await rival`update meters set time_zone = 'Europe/Paris' where tenant_id = ${ctx.tenant.id}`;
      work =
        which === "gate"
          ? consume(ours, { feature: "compute", units: 5, key: "strict" })
          : reserve(ours, { feature: "compute", units: 5, key: "strict" });
      await expect.poll(waiting).toBe(1);
      await rival`update meters set time_zone = 'UTC' where tenant_id = ${ctx.tenant.id}`;
    });
    expect(await work).toMatchObject({ allowed: true, replayed: false, used: 5 });
    expect(attempts()).toBe(2);
    await strict.close();
  },
);

test("a server that accepts and says nothing: the gate answers within three seconds", async () => {
  const ctx = await tenant();
  const silent = createServer(() => {});
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  const url = new URL(urls.appUrl);
  url.port = String((silent.address() as AddressInfo).port);
  const mute = openStage({ ...urls, appUrl: url.href }, proofPrices);
  const far = { ...ctx, db: mute.db };
  const asked = [
    consume(far, { feature: "compute" }),
    check(far, { feature: "compute" }),
    reserve(far, { feature: "compute" }),
  ];
  for (const outcome of await Promise.all(asked.map((call) => timed<unknown>(call)))) {
    expect(outcome).toMatchObject({ error: BUSY });
    expect(outcome.tookMs).toBeLessThan(3_500);
  }
  await mute.close();
  silent.close();
});

test("servers whose clocks differ by an hour give each window once, and lose nothing", async () => {
  const ctx = await tenant();
  const boundaryMs = clock.ms + 7 * 24 * HOUR_MS;
  let allowed = 0;
  for (const offsetMs of [-2 * HOUR_MS, HOUR_MS, -HOUR_MS, 0, 2 * HOUR_MS, -40, HOUR_MS, -3 * HOUR_MS, 40]) {
    const there = { ...ctx, now: () => new Date(boundaryMs + offsetMs) };
    const receipts = await Promise.all(
      Array.from({ length: 6 }, () => consume(there, { feature: "compute", units: 5 })),
    );
    allowed += receipts.filter((receipt) => receipt.allowed).length;
    await rollDue(there);
  }
  clock.ms = boundaryMs + 4 * HOUR_MS;
  // 40 units in the first window, asked for 30 of them before the first clock reached the second, and 40 in that.
  expect(allowed * 5).toBe(30 + 40);
  const granted =
    await owner`select window_starts_at from entries where tenant_id = ${ctx.tenant.id} and feature = 'compute' and operation = 'grant'`;
  expect(granted).toHaveLength(2);
});

test("three runners of every job at once: each window, hold and lease that is due is worked off by one of them", async () => {
  const cast = await Promise.all(Array.from({ length: 6 }, tenant));
  for (const ctx of cast) {
    await reserve(ctx, { feature: "messages", units: 5 });
    await reserve(ctx, { feature: "compute", units: 7 });
    await acquireLease(ctx, { feature: "runs", key: "run", expiresInSeconds: 600 });
  }
  clock.ms += 40 * 24 * HOUR_MS;
  const ctx = systemCtx(stage, now);
  const due = async (table: string, rest: string) =>
    Number(
      (await owner.unsafe(`select count(*) from ${table} where ${rest}`, [now().toISOString()]))[0]!.count,
    );
  const expected = {
    rolled: await due("meters", "gate_fast_until(meters) <= $1"),
    holds: await due("holds", "status = 'open' and expires_at <= $1"),
    leases: await due("leases", "ended_at is null and expires_at <= $1"),
  };
  expect(Math.min(...Object.values(expected))).toBeGreaterThan(5);
  const runners = await Promise.all(
    [1, 2, 3].map(async () => ({
      ...(await sweepLeases(ctx)),
      ...(await rollDue(ctx)),
      ...(await sweepHolds(ctx)),
    })),
  );
  const sum = (pick: (one: (typeof runners)[number]) => number) =>
    runners.reduce((total, one) => total + pick(one), 0);
  expect({
    rolled: sum((one) => one.rolled),
    holds: sum((one) => one.expiredHolds),
    leases: sum((one) => one.leasesEnded),
  }).toEqual(expected);
  expect(await Promise.all([rollDue(ctx), sweepHolds(ctx), sweepLeases(ctx)])).toEqual([
    { rolled: 0 },
    { expiredHolds: 0 },
    { leasesEnded: 0 },
  ]);
});
