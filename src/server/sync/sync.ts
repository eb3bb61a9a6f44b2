import { and, eq, sql } from "drizzle-orm";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { customers } from "../stripe/tables";
import { ofTurn, type Turn, tryTurn, untilAnswered } from "../stripe/turn";
import { endRefusedTrials } from "../subscriptions/subscription-trial";
import { applyState } from "./apply";
import { endMoved } from "./end-moved";
import { endOverdue } from "./end-overdue";
import { fetchState } from "./fetch";

const MAX_ROUNDS = 5;

/**
 * Brings our copies in line with Stripe: subscriptions, checkouts, paid packs, and the plan. Safe at any time, any
 * number of times, in any order: it looks at Stripe, not at what an event said. Many at once share a look that
 * began after they asked. A tenant without a customer has nothing to sync.
 * @throws AppError PAYMENT_PROVIDER, BUSY when somebody else's turn lasts longer than about eight seconds
 */
export async function syncCustomer(ctx: TenantCtx): Promise<void> {
  if (ctx.tx) throw new Error("syncCustomer waits for Stripe and for others: call it outside transactions.");
  const wish = await askForSync(ctx);
  if (wish === null) return;
  await untilAnswered(
    async () => (await isCovered(ctx, wish)) || (await tryTurn(ctx, (turn) => syncInTurn(ctx, turn))),
  );
}

/** @returns the number of this wish */
async function askForSync(ctx: TenantCtx): Promise<number | null> {
  const [row] = await inTenant(ctx, (tx) =>
    tx
      .update(customers)
      .set({ requested: sql`${customers.requested} + 1` })
      .where(eq(customers.tenantId, ctx.tenant.id))
      .returning({ requested: customers.requested }),
  );
  return row?.requested ?? null;
}

async function isCovered(ctx: TenantCtx, wish: number): Promise<true | null> {
  const rows = await inTenant(ctx, (tx) =>
    tx
      .select({ synced: customers.synced })
      .from(customers)
      .where(and(eq(customers.tenantId, ctx.tenant.id), sql`${customers.synced} >= ${wish}`)),
  );
  return rows.length > 0 ? true : null;
}

/** Goes on while others have asked since it last looked. null: the turn lapsed, and nothing of the last look counts. */
async function syncInTurn(ctx: TenantCtx, turn: Turn): Promise<true | null> {
  let covers = turn.requested;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const state = await fetchState(ctx);
    const requested = await inTenant(ctx, async (tx, inner) => {
      const [ours] = await tx.select().from(customers).where(ofTurn(ctx, turn)).for("no key update");
      if (!ours) return null;
      await applyState(inner, state);
      await tx.update(customers).set({ synced: covers }).where(ofTurn(ctx, turn));
      return ours.requested;
    });
    if (requested === null) return null;
    const ended = [await endRefusedTrials(ctx), await endOverdue(ctx), await endMoved(ctx)];
    if (requested <= covers && !ended.includes(true)) return true;
    covers = requested;
  }
  return true;
}
