import { newId } from "@/lib/ids";
import { createCtx } from "@/server/context";
import { openDatabase } from "@/server/db/client";
import { verifyBooks } from "@/server/ledger/books";
import { consume } from "@/server/quota/consume";
import { benchCtx } from "./contenders";
import type { Scene } from "./scene";

/**
 * Four times as many calls as units on one tenant, all at once: how many more than the units were let through. Then the
 * books of everything the bench wrote. Anything that is off fails the run.
 */
export async function checkExactness(scene: Scene, units: number): Promise<number> {
  const ctx = benchCtx(scene, 1);
  const used = async () => {
    const [row] =
      await scene.owner`select used from meters where tenant_id = ${ctx.tenant.id} and feature = 'messages'`;
    return Number(row!.used);
  };
  const before = await used();
  await leaveUnits(scene, ctx.tenant.id, before + units);
  const calls = Array.from({ length: units * 4 }, () => consume(ctx, { feature: "messages" }));
  const allowed = (await Promise.all(calls)).filter((receipt) => receipt.allowed).length;
  const booked = (await used()) - before;
  const breaches = await breachesOf(scene);
  if (allowed !== units || booked !== units || breaches.length > 0) {
    console.error({ units, allowed, booked, breaches: breaches.slice(0, 5) });
    process.exitCode = 1;
  }
  return Math.max(allowed, booked) - units;
}

async function leaveUnits(scene: Scene, tenantId: string, granted: number): Promise<void> {
  const now = new Date();
  await scene.owner.begin(async (tx) => {
    await tx`update meters set granted = ${granted} where tenant_id = ${tenantId} and feature = 'messages'`;
    await tx`insert into entries (tenant_id, id, operation, feature, units, used_after, granted_after, window_starts_at, window_ends_at,
                                  plan_version, actor, created_at)
      select tenant_id, ${newId("entry", now)}, 'adjust', feature, granted, used, granted, window_starts_at, window_ends_at, plan_version,
             'system:bench', ${now} from meters where tenant_id = ${tenantId} and feature = 'messages'`;
  });
}

/** As the owner: the app's statement time-out is not made for millions of entries at once. */
async function breachesOf(scene: Scene) {
  await scene.owner`vacuum analyze`;
  const db = openDatabase(scene.ownerUrl);
  try {
    const ctx = benchCtx({ ...scene, db }, 1);
    return await verifyBooks(createCtx(ctx, ctx.actor));
  } finally {
    await db.close();
  }
}
