import { rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { withLogin } from "@tests/support/urls";
import postgres from "postgres";
import { afterAll, expect, test } from "vitest";
import { prices } from "@/config/plans";
import { newId, provenTenantId } from "@/lib/ids";
import { systemClock } from "@/lib/time";
import { tenants } from "@/server/accounts/tables";
import { createCtx, type TenantCtx } from "@/server/context";
import { openDatabase } from "@/server/db/client";
import { ensureDatabase, removeEmbeddedPostgres, startEmbeddedPostgres } from "@/server/db/embedded";
import { migrate } from "@/server/db/migrate";
import { setTenant } from "@/server/db/transaction";
import { entitleDefault } from "@/server/entitlements/entitle";
import { verifyBooks } from "@/server/ledger/books";
import { consume } from "@/server/quota/consume";

const KILLS = 10;
const WORKERS = 24;
const dir = path.join(os.tmpdir(), `tollgate-kill-${process.pid}`);
const server = await startEmbeddedPostgres({ dir, durable: true });
const ownerUrl = await ensureDatabase(server.ownerUrl, "kill");
await migrate({ ownerUrl, appUrl: withLogin(ownerUrl) });
const db = openDatabase(withLogin(ownerUrl));

afterAll(async () => {
  await db.close();
  await removeEmbeddedPostgres(dir);
  await rm(dir, { recursive: true, force: true });
});

const ctx = createCtx(
  { db, now: systemClock, prices, stripe: undefined as never, appUrl: "http://app.test" },
  { kind: "system", reason: "kill test" },
);

async function newTenant(name: string): Promise<TenantCtx> {
  const id = provenTenantId(newId("tenant", ctx.now()));
  const scoped: TenantCtx = { ...ctx, tenant: { id, slug: name, timeZone: "UTC", role: null } };
  await db.orm.transaction(async (tx) => {
    await setTenant(tx, id);
    await tx
      .insert(tenants)
      .values({ tenantId: id, slug: name, name, timeZone: "UTC", createdAt: ctx.now() });
    await entitleDefault({ ...scoped, tx } as TenantCtx);
  });
  return scoped;
}

/** Asks with one key until there is an answer, as a careful client does when the line goes dead. */
async function insist(tenant: TenantCtx, key: string): Promise<"allowed" | "denied"> {
  for (;;) {
    const receipt = await consume(tenant, { feature: "messages", key }).catch(() => null);
    if (receipt) return receipt.allowed ? "allowed" : "denied";
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test(`${KILLS} times kill -9 under load: every acknowledged consume is there exactly once`, {
  timeout: 240_000,
}, async () => {
  const cast = [await newTenant("ada"), await newTenant("bo")];
  const acknowledged: { tenant: TenantCtx; key: string }[] = [];
  let denied = 0;
  let stop = false;
  const worker = async (worker: number) => {
    for (let n = 0; !stop; n += 1) {
      const tenant = cast[(worker + n) % cast.length]!;
      const key = `w${worker}-${n}`;
      if ((await insist(tenant, key)) === "allowed") acknowledged.push({ tenant, key });
      else denied += 1;
    }
  };
  const workers = Array.from({ length: WORKERS }, (_, index) => worker(index));
  for (let kill = 0; kill < KILLS; kill += 1) {
    const before = acknowledged.length + denied;
    await expect
      .poll(() => acknowledged.length + denied, { timeout: 20_000, interval: 20 })
      .toBeGreaterThan(before + 200);
    process.kill(server.pid()!, "SIGKILL");
    await startEmbeddedPostgres({ dir, durable: true, port: server.port });
  }
  stop = true;
  await Promise.all(workers);

  const owner = postgres(ownerUrl, { max: 1, onnotice: () => {} });
  const rows = await owner`select tenant_id, idempotency_key from entries where operation = 'consume'`;
  await owner.end();
  const booked = new Set(rows.map((row) => `${row.tenant_id} ${row.idempotency_key}`));
  expect(booked.size).toBe(rows.length);
  const lost = acknowledged.filter(({ tenant, key }) => !booked.has(`${tenant.tenant.id} key:${key}`));
  expect(lost).toEqual([]);
  expect(rows.length).toBe(acknowledged.length);
  expect(await verifyBooks(ctx)).toEqual([]);
});
