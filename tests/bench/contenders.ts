import { randomUUID } from "node:crypto";
import { and, eq, sql } from "drizzle-orm";
import { newId } from "@/lib/ids";
import { systemClock } from "@/lib/time";
import type { TenantCtx } from "@/server/context";
import { inTenant } from "@/server/db/transaction";
import { entries, meters } from "@/server/ledger/tables";
import { consume } from "@/server/quota/consume";
import { benchPrices, benchTenant, type Scene } from "./scene";

export type Contender = (tenantIndex: number) => Promise<unknown>;

/** The limit to compare with: one UPDATE … RETURNING and one INSERT, in a single statement, through postgres.js. */
export function rawStatement({ raw }: Scene): Contender {
  return (index) => {
    const id = benchTenant(index).id;
    return raw`with u as (update bench_balance set used = used + 1 where tenant_id = ${id} and used + 1 <= allowance returning tenant_id, used)
      insert into bench_entries (tenant_id, units, used) select tenant_id, 1, used from u returning used`;
  };
}

/** What a straightforward product would write: lock, look, update, insert in an interactive Drizzle transaction. */
export function drizzleTransaction(scene: Scene): Contender {
  return (index) => {
    const ctx = benchCtx(scene, index);
    return inTenant(ctx, async (tx) => {
      const ofMeter = and(eq(meters.tenantId, ctx.tenant.id), eq(meters.feature, "messages"));
      const [meter] = await tx.select().from(meters).where(ofMeter).for("update");
      if (!meter || meter.granted === null || meter.used + 1 > meter.granted) return;
      await tx
        .update(meters)
        .set({ used: sql`${meters.used} + 1` })
        .where(ofMeter);
      const id = newId("entry", ctx.now());
      const receipt = {
        usedAfter: meter.used + 1,
        grantedAfter: meter.granted,
        windowStartsAt: meter.windowStartsAt,
        windowEndsAt: meter.windowEndsAt,
      };
      await tx.insert(entries).values({
        tenantId: ctx.tenant.id,
        id,
        operation: "consume",
        feature: "messages",
        units: 1,
        allowanceUnits: 1,
        ...receipt,
        planVersion: meter.planVersion,
        actor: "system:bench",
        createdAt: ctx.now(),
      });
    });
  };
}

/** The gate, drawing on an allowance (`messages`) or on credit lots (`compute`). */
export function gate(scene: Scene, feature: "messages" | "compute" = "messages"): Contender {
  return (index) => consume(benchCtx(scene, index), { feature });
}

/** The same with an idempotency key on every call. */
export function keyedGate(scene: Scene): Contender {
  return (index) => consume(benchCtx(scene, index), { feature: "messages", key: randomUUID() });
}

export function benchCtx({ db }: Scene, index: number): TenantCtx {
  return {
    db,
    now: systemClock,
    prices: benchPrices,
    stripe: undefined as never,
    appUrl: "http://127.0.0.1",
    keyFor: undefined as never,
    clientAddressHeader: null,
    actor: { kind: "system", reason: "bench" },
    tenant: benchTenant(index),
  };
}
