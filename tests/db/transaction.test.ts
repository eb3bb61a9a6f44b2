import { type World, world } from "@tests/support/world";
import { sql } from "drizzle-orm";
import { beforeAll, describe, expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import type { Tx } from "@/server/db/client";
import { inTenant, inTransaction, violatedConstraint } from "@/server/db/transaction";
import { audit } from "@/server/events/service";

let scene: World;
let ada: TenantCtx;
let bo: TenantCtx;

beforeAll(async () => {
  scene = await world();
  ada = await scene.tenant("ada");
  bo = await scene.tenant("bo");
});

async function auditTrail(ctx: TenantCtx): Promise<string[]> {
  const rows = await inTenant(ctx, (tx) =>
    tx.execute<{ action: string }>(sql`select action from audit_events order by id`),
  );
  return rows.map((row) => row.action);
}

const BUSY = { code: "BUSY" };

/** Lets both sides take their first lock before either asks for its second. */
function meetingPoint(parties: number): () => Promise<void> {
  let arrived = 0;
  let open: () => void = () => {};
  const all = new Promise<void>((resolve) => {
    open = resolve;
  });
  return async () => {
    arrived += 1;
    if (arrived >= parties) open();
    await all;
  };
}

describe("one transaction", () => {
  test("an error undoes everything in it and comes out unchanged", async () => {
    const failed = inTenant(ada, async (_tx, inner) => {
      await audit(inner, { action: "undone" });
      throw new RangeError("mine");
    });
    await expect(failed).rejects.toThrow(new RangeError("mine"));
    expect(await auditTrail(ada)).not.toContain("undone");
  });

  test("work inside an open transaction joins it, and ends with it", async () => {
    const failed = inTenant(ada, async (_tx, inner) => {
      await inTenant(inner, (_same, nested) => audit(nested, { action: "nested" }));
      await inTransaction(inner, (tx) =>
        tx.execute(sql`insert into slug_directory values ('nested', 'ten_x')`),
      );
      throw new Error("no");
    });
    await expect(failed).rejects.toThrow("no");
    expect(await auditTrail(ada)).not.toContain("nested");
    expect(await scene.owner`select 1 from slug_directory where slug = 'nested'`).toEqual([]);
  });

  test("the tenant is forgotten with the transaction: the next one on the connection sees no tenant row", async () => {
    const single = await inTransaction(ada, (tx) =>
      tx.execute(sql`select count(*)::int as n from audit_events`),
    );
    expect(single).toMatchObject([{ n: 0 }]);
    expect(await auditTrail(ada)).toContain("plan.changed");
    const again = await inTransaction(ada, (tx) =>
      tx.execute(sql`select count(*)::int as n from audit_events`),
    );
    expect(again).toMatchObject([{ n: 0 }]);
  });

  test("a broken constraint is named", async () => {
    const twice = () =>
      inTransaction(ada, (tx) => tx.execute(sql`insert into slug_directory values ('taken', 'ten_x')`));
    await twice();
    expect(await twice().catch(violatedConstraint)).toBe("slug_directory_pkey");
  });
});

describe("conflicts", () => {
  test("a deadlock is broken, and both sides' work is done once", async () => {
    const meet = meetingPoint(2);
    const runs = { ada: 0, bo: 0 };
    const lock = (tx: Tx, key: number) => tx.execute(sql`select pg_advisory_xact_lock(${key})`);
    const side = (ctx: TenantCtx, name: "ada" | "bo", first: number, second: number) =>
      inTenant(ctx, async (tx, inner) => {
        runs[name] += 1;
        await lock(tx, first);
        await meet();
        await lock(tx, second);
        await audit(inner, { action: "deadlock" });
      });
    await Promise.all([side(ada, "ada", 1, 2), side(bo, "bo", 2, 1)]);
    expect(runs.ada + runs.bo).toBe(3);
    for (const ctx of [ada, bo])
      expect((await auditTrail(ctx)).filter((action) => action === "deadlock")).toHaveLength(1);
  });

  test("a serialization failure runs the whole transaction again", async () => {
    await scene.owner`insert into sign_in_attempts values ('counter', 0, now())`;
    const meet = meetingPoint(2);
    let runs = 0;
    const increment = () =>
      inTransaction(scene.ctx, async (tx) => {
        runs += 1;
        await tx.execute(sql`set transaction isolation level repeatable read`);
        const [row] = await tx.execute<{ count: number }>(
          sql`select count from sign_in_attempts where subject = 'counter'`,
        );
        await meet();
        await tx.execute(
          sql`update sign_in_attempts set count = ${Number(row?.count) + 1} where subject = 'counter'`,
        );
      });
    await Promise.all([increment(), increment()]);
    expect(runs).toBe(3);
    expect(await scene.owner`select count from sign_in_attempts where subject = 'counter'`).toMatchObject([
      { count: 2 },
    ]);
  });

  test("a conflict that never ends is given up with the conflict's own error", async () => {
    let runs = 0;
    const hopeless = inTransaction(scene.ctx, async (tx) => {
      runs += 1;
      await tx.execute(sql`do $$ begin raise exception 'again' using errcode = '40001'; end $$`);
    });
    await expect(hopeless).rejects.toMatchObject({ cause: { code: "40001" } });
    expect(runs).toBe(5);
  });
});

describe("waiting is bounded", () => {
  test("a statement that runs too long becomes BUSY, and the connection serves on", async () => {
    const slow = inTenant(ada, async (tx) => {
      await tx.execute(sql`set local statement_timeout = '50ms'`);
      await tx.execute(sql`select pg_sleep(10)`);
    });
    await expect(slow).rejects.toMatchObject(BUSY);
    expect(await auditTrail(ada)).toContain("plan.changed");
  });

  test("a lock that is held too long becomes BUSY, and what holds it is not disturbed", async () => {
    await scene.owner.begin(async (holder) => {
      await holder`select 1 from tenants where tenant_id = ${ada.tenant.id} for update`;
      const waiting = inTenant(ada, async (tx) => {
        await tx.execute(sql`set local lock_timeout = '50ms'`);
        await tx.execute(sql`select 1 from tenants for update`);
      });
      await expect(waiting).rejects.toMatchObject(BUSY);
      expect(await holder`select 1 as one`).toMatchObject([{ one: 1 }]);
    });
  });

  test("the app's login carries time-outs of its own, whatever the client forgets", async () => {
    const [settings] = await inTransaction(scene.ctx, (tx) =>
      tx.execute(sql`select current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock,
        current_setting('idle_in_transaction_session_timeout') as idle`),
    );
    expect(settings).toEqual({ statement: "5s", lock: "2s", idle: "10s" });
  });

  test("a transaction on a connection that died while idle runs on a new one", async () => {
    const before = await pids();
    for (const pid of before) await scene.owner`select pg_terminate_backend(${pid})`;
    expect(await auditTrail(ada)).toContain("plan.changed");
    expect(before).not.toContain((await pids())[0]);
  });
});

async function pids(): Promise<number[]> {
  const rows = await inTransaction(scene.ctx, (tx) =>
    tx.execute<{ pid: number }>(sql`select pg_backend_pid() as pid`),
  );
  return rows.map((row) => Number(row.pid));
}
