import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { type World, world } from "@tests/support/world";
import { eq, sql } from "drizzle-orm";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { type Database, openDatabase } from "@/server/db/client";
import { guardClient } from "@/server/db/guard";
import { asAppError, inTenant } from "@/server/db/transaction";
import { audit } from "@/server/events/service";
import { auditEvents } from "@/server/events/tables";

/** As Drizzle wraps it. */
const CLOSED = { cause: { message: expect.stringContaining("TX_HANDLE_CLOSED") } };

let scene: World;
let ada: TenantCtx;
let bo: TenantCtx;

const pools: Database[] = [];
afterAll(() => Promise.all(pools.map((db) => db.close())));

beforeAll(async () => {
  scene = await world();
  ada = await scene.tenant("ada");
  bo = await scene.tenant("bo");
});

const actions = (tx: Parameters<Parameters<typeof inTenant>[1]>[0]) =>
  tx.select({ action: auditEvents.action, tenantId: auditEvents.tenantId }).from(auditEvents);

/** A promise to be settled by hand, to hold a transaction at a point. */
function signal() {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

async function withPool<T>(poolSize: number, work: (db: Database) => Promise<T>): Promise<T> {
  const db = openDatabase(scene.appUrl, { poolSize });
  pools.push(db);
  return work(db);
}

describe.each([1, 2, 10])("with a pool of %i", (poolSize) => {
  test("a handle that is kept after COMMIT throws, also inside another tenant's transaction", async () => {
    await withPool(poolSize, async (db) => {
      const kept = await inTenant({ ...ada, db }, async (tx) => ({ tx }));
      await inTenant({ ...bo, db }, async (tx) => {
        await actions(tx);
        await expect(actions(kept.tx)).rejects.toMatchObject(CLOSED);
      });
      await expect(actions(kept.tx)).rejects.toMatchObject(CLOSED);
    });
  });

  test("a handle that is kept after ROLLBACK throws", async () => {
    await withPool(poolSize, async (db) => {
      let kept: typeof ada.tx;
      const failed = inTenant({ ...ada, db }, async (tx) => {
        kept = tx;
        throw new Error("no");
      });
      await expect(failed).rejects.toThrow("no");
      await expect(actions(kept!)).rejects.toMatchObject(CLOSED);
    });
  });

  test("a handle whose server process was killed throws and never reads another tenant's rows", async () => {
    await withPool(poolSize, async (db) => {
      const [held, killed] = [signal(), signal()];
      let pid = 0;
      let stale: Promise<unknown> | undefined;
      const first = inTenant({ ...ada, db }, async (tx) => {
        pid = await backendPid(tx);
        held.open();
        await killed.opened;
        stale = actions(tx).execute();
        await stale;
      });
      first.catch(() => {});
      await held.opened;
      await scene.owner`select pg_terminate_backend(${pid})`;
      await expect(first).rejects.toMatchObject({ code: "BUSY" });
      await inTenant({ ...bo, db }, async (tx) => {
        await actions(tx);
        killed.open();
        await expect.poll(() => stale !== undefined).toBe(true);
        await expect(stale).rejects.toMatchObject(CLOSED);
        expect(new Set((await actions(tx)).map((row) => row.tenantId))).toEqual(new Set([bo.tenant.id]));
      });
    });
  });

  test("work that swallows the loss of its connection and goes on is stopped, and the process lives", async () => {
    await withPool(poolSize, async (db) => {
      const errors: unknown[] = [];
      const killed = inTenant({ ...ada, db }, async (tx) => {
        await tx
          .execute(sql`select pg_terminate_backend(pg_backend_pid())`)
          .catch((error) => errors.push(error));
        for (let attempt = 0; attempt < 3; attempt += 1)
          await actions(tx).catch((error) => errors.push(error));
      });
      await expect(killed).rejects.toMatchObject({ code: "BUSY" });
      await expect.poll(() => errors.length).toBe(4);
      for (const error of errors.slice(1)) expect(error).toMatchObject(CLOSED);
      expect(await inTenant({ ...bo, db }, (tx) => actions(tx))).not.toEqual([]);
    });
  });
});

test("without Drizzle's delay in between, a lost connection is noticed at once too", async () => {
  const client = guardClient(postgres(scene.appUrl, { max: 1, onnotice: () => {} }));
  const errors: Error[] = [];
  const killed = client.begin(async (tx) => {
    await tx.unsafe("select pg_terminate_backend(pg_backend_pid())").catch((error) => errors.push(error));
    await tx.unsafe("select 1");
  });
  await expect(killed).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
  await client.end({ timeout: 0 });
});

describe("savepoints", () => {
  test("a savepoint's handle throws after it was released, while its transaction goes on", async () => {
    const seen = await inTenant(ada, async (tx) => {
      const inner = await tx.transaction(async (savepoint) => ({ savepoint }));
      await expect(actions(inner.savepoint)).rejects.toMatchObject(CLOSED);
      return actions(tx);
    });
    expect(seen.length).toBeGreaterThan(0);
  });

  test("what fails inside one is undone alone", async () => {
    await inTenant(ada, async (tx, inner) => {
      await audit(inner, { action: "kept" });
      const failed = tx.transaction(async (savepoint) => {
        await audit({ ...inner, tx: savepoint }, { action: "undone" });
        throw new Error("no");
      });
      await expect(failed).rejects.toThrow("no");
    });
    const written = (await inTenant(ada, (tx) => actions(tx))).map((row) => row.action);
    expect(written).toContain("kept");
    expect(written).not.toContain("undone");
  });

  test("the loss of the connection inside one ends the whole transaction", async () => {
    const failed = inTenant(ada, (tx) =>
      tx.transaction((savepoint) => savepoint.execute(sql`select pg_terminate_backend(pg_backend_pid())`)),
    );
    await expect(failed).rejects.toMatchObject({ code: "BUSY" });
  });
});

describe("stragglers", () => {
  test("a query that was made inside and awaited after the end is refused", async () => {
    const made = await inTenant(ada, async (tx) => ({ query: actions(tx) }));
    await expect(made.query).rejects.toMatchObject(CLOSED);
  });

  test("a write that nobody awaited never runs behind the COMMIT", async () => {
    let straggler: Promise<unknown> | undefined;
    await inTenant(ada, async (tx) => {
      straggler = Promise.resolve()
        .then(() => Promise.resolve())
        .then(() => tx.execute(sql`insert into sessions values ('stray', 'nobody', now())`));
      straggler.catch(() => {});
    });
    await expect(straggler).rejects.toMatchObject(CLOSED);
    expect(await scene.owner`select 1 from sessions where session_token = 'stray'`).toEqual([]);
  });
});

describe("a full pool", () => {
  test("turns a new transaction and a plain query away within two seconds, and recovers", async () => {
    await withPool(2, async (db) => {
      const [held, free] = [signal(), signal()];
      let running = 0;
      const sleepers = [1, 2].map(() =>
        inTenant({ ...ada, db }, async () => {
          running += 1;
          if (running === 2) held.open();
          await free.opened;
        }),
      );
      await held.opened;
      const startedMs = performance.now();
      const plain = db.orm.execute(sql`select 1`).catch((error: unknown) => error);
      await expect(inTenant({ ...bo, db }, (tx) => actions(tx))).rejects.toMatchObject({ code: "BUSY" });
      expect(asAppError(await plain)).toMatchObject({ code: "BUSY" });
      const waitedMs = performance.now() - startedMs;
      expect(waitedMs).toBeGreaterThan(1_500);
      expect(waitedMs).toBeLessThan(3_000);
      free.open();
      await Promise.all(sleepers);
      expect(await inTenant({ ...bo, db }, (tx) => actions(tx))).not.toEqual([]);
      expect(await db.orm.execute(sql`select 1 as one`)).toMatchObject([{ one: 1 }]);
    });
  });
});

describe("a server that accepts and then says nothing", () => {
  test("turns callers away within two seconds, loses no connection, and runs nothing late", async () => {
    const target = new URL(scene.appUrl);
    const speaks = signal();
    const proxy = createServer(async (socket) => {
      socket.on("error", () => {});
      await speaks.opened;
      const upstream = connect(Number(target.port), target.hostname).on("error", () => {});
      socket.pipe(upstream).pipe(socket);
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    const url = new URL(target);
    url.port = String((proxy.address() as AddressInfo).port);
    const db = openDatabase(url.href, { poolSize: 1 });
    pools.push(db);
    const startedMs = performance.now();
    const late = sql`insert into users (id, email, created_at) values ('late', 'late', now())`;
    const connected = once(proxy, "connection");
    const first = Promise.resolve(db.orm.execute(late));
    await connected;
    const turnedAway = [first, db.orm.execute(late), inTenant({ ...bo, db }, (tx) => actions(tx))];
    for (const answer of await Promise.allSettled(turnedAway)) expect(answer.status).toBe("rejected");
    expect(performance.now() - startedMs).toBeLessThan(3_000);
    speaks.open();
    const served = [1, 2, 3, 4].map(() => inTenant({ ...bo, db }, (tx) => actions(tx)));
    for (const rows of await Promise.all(served)) expect(rows).not.toEqual([]);
    expect(await scene.owner`select 1 from users where id = 'late'`).toEqual([]);
    await db.close();
    proxy.close();
  });
});

describe("a burst", () => {
  test.each([1, 4])("loses no acknowledged write with a pool of %i", async (poolSize) => {
    await withPool(poolSize, async (db) => {
      const users = Array.from({ length: 600 }, (_, n) => `burst-${poolSize}-${n}`);
      const insert = (id: string) =>
        sql`insert into users (id, email, created_at) values (${id}, ${id}, now())`;
      const answers = await Promise.allSettled(
        users.map((id, n) =>
          n % 3 === 0 ? inTenant({ ...ada, db }, (tx) => tx.execute(insert(id))) : db.orm.execute(insert(id)),
        ),
      );
      const acknowledged = users.filter((_, n) => answers[n]?.status === "fulfilled");
      const rows = await scene.owner`select id from users where id like ${`burst-${poolSize}-%`}`;
      const stored = new Set(rows.map((row) => String(row.id)));
      expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
      expect(acknowledged.length).toBeGreaterThan(0);
      for (const answer of answers)
        if (answer.status === "rejected") expect(answer.reason).toMatchObject({ code: "BUSY" });
    });
  });
});

async function backendPid(tx: Parameters<Parameters<typeof inTenant>[1]>[0]): Promise<number> {
  const [row] = await tx.execute<{ pid: number }>(sql`select pg_backend_pid() as pid`);
  return Number(row?.pid);
}

test("tenants see their own rows only, whatever was asked for", async () => {
  const foreign = await inTenant(ada, (tx) =>
    tx.select().from(auditEvents).where(eq(auditEvents.tenantId, bo.tenant.id)),
  );
  expect(foreign).toEqual([]);
});
