import type { Stage } from "@tests/support/stage";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { debtOf } from "@/server/ledger/debt";
import { listOrders } from "@/server/orders/orders";

/** What happens to the money of a tenant's first order: at Stripe, with the webhooks delivered. */
export function moneyOf({ stripe, simulator, settled, owner }: Stage) {
  const paymentOf = async (ctx: TenantCtx) => (await listOrders(ctx)).orders.at(-1)!.paymentId!;
  const disputeOf = async (ctx: TenantCtx) =>
    (await stripe.disputes.list({ payment_intent: await paymentOf(ctx) })).data[0]!.id;
  return {
    paymentOf,
    statusOf: async (ctx: TenantCtx) => (await listOrders(ctx)).orders.at(-1)!.status,
    /** From Stripe's dashboard; without an amount all that is left. @returns re_… */
    async refund(ctx: TenantCtx, amount?: number): Promise<string> {
      const { id } = await stripe.refunds.create({ payment_intent: await paymentOf(ctx), amount });
      await settled();
      return id;
    },
    async settleRefund(id: string, status: "succeeded" | "failed"): Promise<void> {
      simulator.control.settleRefund(id, status);
      await settled();
    },
    async dispute(ctx: TenantCtx, amount?: number, status?: string): Promise<string> {
      const request = { payment: await paymentOf(ctx), amount, status };
      const { id } = simulator.control.openDispute(request);
      await settled();
      return id;
    },
    async decide(ctx: TenantCtx, status: string): Promise<void> {
      simulator.control.setDispute(await disputeOf(ctx), status);
      await settled();
    },
    /** Credits that may be spent, less those that are owed. */
    async worth(ctx: TenantCtx): Promise<number> {
      return (await balance(ctx)).available - (await debtOf(ctx)).owed;
    },
    audits: (ctx: TenantCtx, action: string) =>
      owner`select * from audit_events where tenant_id = ${ctx.tenant.id} and action = ${action} order by id`,
    /** Entries that move credits outside of usage, oldest first, as the table in docs/money-back.md says them. */
    async moves(ctx: TenantCtx): Promise<string[]> {
      const rows = await owner`
        select operation, credits, uncharged_units as owed, lot_draws from entries
        where tenant_id = ${ctx.tenant.id} and operation in ('revoke', 'repay', 'expire') order by id`;
      return rows.flatMap((row) => wordsOf(row as unknown as Move));
    },
  };
}

interface Move {
  operation: "revoke" | "repay" | "expire";
  credits: string;
  owed: string;
  lot_draws: string[] | null;
}

function wordsOf({ operation, credits, owed }: Move): string[] {
  const [n, debt] = [Number(credits), Number(owed)];
  if (operation === "expire") return [`expire ${n}`];
  if (operation === "repay") return [n > 0 ? `repay ${n}` : `unpay ${-n}`];
  const lot = n > 0 ? [`take ${n}`] : n < 0 ? [`give ${-n}`] : [];
  return debt > 0 ? [...lot, `owe ${debt}`] : debt < 0 ? [`forgive ${-debt}`, ...lot] : lot;
}
