import { type Stage, stage } from "@tests/support/stage";
import type { TenantCtx } from "@/server/context";
import { inTransaction } from "@/server/db/transaction";
import type { MovePlanInput } from "@/server/plan-moves/inputs";
import { planMoveOf } from "@/server/plan-moves/list-plan-moves";
import { type Chosen, movePlan, undoMove } from "@/server/plan-moves/move-plan";
import { currentPlan } from "@/server/plans/service";
import { status } from "@/server/quota/status";
import { ensureCustomer } from "@/server/stripe/customer";
import { pushPrices } from "@/server/stripe/push";
import { moveTenants } from "@/server/sync/move-tenants";
import { NEW, OLD, selling } from "./new-versions";

/** A business whose new price list was pushed, and an operator who moves its tenants. */
export async function mover(): Promise<
  Stage & {
    choose(wish: MovePlanInput): Promise<Chosen>;
    /** Chooses tenants, and takes the move as far as it goes now. @returns its id */
    move(wish: MovePlanInput): Promise<string>;
    undo(moveId: string): Promise<void>;
    /** Cron `subscriptions`, as far as moves go. */
    run(): Promise<void>;
    partOf(one: TenantCtx, moveId: string): Promise<{ status: string; effectiveAt: Date | null } | undefined>;
    /** Version in force, and how much compute it allows. */
    planOf(one: TenantCtx): Promise<[string, number | null | undefined]>;
    invoicesOf(one: TenantCtx): Promise<number[]>;
    /** Nothing of theirs renews any more while others' time passes. */
    over(...people: TenantCtx[]): Promise<void>;
    told(one: TenantCtx): Promise<string[]>;
  }
> {
  const on = await stage({ prices: OLD, start: "2026-03-02T09:00:00.000Z" });
  const next = selling(on.ctx, NEW);
  await pushPrices(next);
  const choose = (wish: MovePlanInput) =>
    inTransaction(next, (tx) => movePlan({ ...next, tx }, wish, "a new version"));
  const run = async () => {
    await moveTenants(next);
    await on.settled();
  };
  return {
    ...on,
    run,
    choose,
    move: async (wish) => {
      const { moveId } = await choose(wish);
      await run();
      return moveId;
    },
    undo: async (moveId) => {
      await inTransaction(next, (tx) => undoMove({ ...next, tx }, { moveId }));
      await run();
    },
    partOf: async (one, moveId) =>
      (await planMoveOf(next, { moveId })).workspaces.find(
        ({ workspaceId }) => workspaceId === one.tenant.id,
      ),
    planOf: async (one) => {
      const { meters } = await status(one);
      const compute = meters.find(({ feature }) => feature === "compute");
      return [(await currentPlan(one)).version.id, compute?.limit];
    },
    invoicesOf: async (one) => {
      const { data } = await on.stripe.invoices.list({ customer: await ensureCustomer(one) });
      return data.map(({ total }) => total).reverse();
    },
    over: async (...people) => {
      for (const one of people) {
        const customer = await ensureCustomer(one);
        const { data } = await on.stripe.subscriptions.list({ customer });
        for (const { id } of data) await on.stripe.subscriptions.cancel(id);
      }
      await on.settled();
    },
    told: async (one) =>
      (
        await on.owner`select type from outbox where tenant_id = ${one.tenant.id} and type like 'billing.plan%' order by id`
      ).map(({ type }) => String(type)),
  };
}
