import { and, eq } from "drizzle-orm";
import type { TenantCtx } from "@/server/context";
import { correctCredits } from "@/server/credits/correct-credits";
import { followDebt } from "@/server/credits/follow-debt";
import { grantCredits } from "@/server/credits/grant-credits";
import { expireLots, followDebts } from "@/server/credits/jobs";
import { redeemCode } from "@/server/credits/redeem-code";
import { settleCredits } from "@/server/credits/settle-credits";
import { inTenant } from "@/server/db/transaction";
import { endPlans } from "@/server/entitlements/jobs";
import { AppError } from "@/server/errors";
import { lots } from "@/server/ledger/tables";
import { takeBackTo } from "@/server/ledger/take-back";
import { writeOffExpired } from "@/server/ledger/write-off";
import { fulfilOrder } from "@/server/orders/fulfil-order";
import type { NewLine } from "@/server/orders/order-lines";
import { placeOrder } from "@/server/orders/place-order";
import { commit } from "@/server/quota/commit";
import { consume } from "@/server/quota/consume";
import { rollDue, sweepHolds } from "@/server/quota/jobs";
import { refund } from "@/server/quota/refund";
import { releaseHold } from "@/server/quota/release-hold";
import { reserve } from "@/server/quota/reserve";
import { lookAtMoney } from "./money";
import type { Names } from "./names";
import type { Answer, Op } from "./ops";
import { priceOf } from "./orders";
import { PLAN_DAYS } from "./prices";
import type { Line, State } from "./state";

/** Carries a call out for real. What the engine refuses is an answer too; anything but an AppError is not. */
export async function perform(
  ctx: TenantCtx,
  names: Names,
  state: State,
  op: Op,
  tag: string,
): Promise<Answer> {
  try {
    return ((await carryOut(ctx, names, state, op, tag)) ?? {}) as Answer;
  } catch (error) {
    if (error instanceof AppError && error.code !== "BUSY") return { error: error.code };
    throw error;
  }
}

async function carryOut(ctx: TenantCtx, names: Names, state: State, op: Op, tag: string): Promise<unknown> {
  switch (op.do) {
    case "grant": {
      const expiresAt = op.expiresInMs === null ? null : new Date(ctx.now().getTime() + op.expiresInMs);
      const { kind, units: amount, source } = op;
      return grantCredits(ctx, { kind, amount, source, expiresAt });
    }
    case "correct": {
      const { units: credits, source } = op;
      const lotId = source === undefined ? undefined : await lotIdOf(ctx, names.sourceOf(source));
      return correctCredits(ctx, { credits, lotId, reason: "by hand" });
    }
    case "redeem":
      return redeemCode(ctx, { code: op.code });
    case "take back":
      return inTenant(ctx, async (_tx, inner) => {
        const back = await takeBackTo(inner, { source: op.source, target: op.target, reason: "asked" });
        await followDebt(inner);
        return back;
      });
    case "consume": {
      const { do: _, ...input } = op;
      const receipt = await consume(ctx, input);
      if (receipt.allowed && !receipt.replayed) names.give(tag, receipt.entryId);
      return receipt;
    }
    case "reserve": {
      const { feature, units, key, seconds: expiresInSeconds } = op;
      const held = await reserve(ctx, { feature, units, key, expiresInSeconds, overflow: "reject" });
      if (held.allowed && !held.replayed) names.give(tag, held.holdId);
      return held;
    }
    case "commit":
      return commit(ctx, { holdId: names.idOf(op.hold), units: op.units });
    case "release":
      return releaseHold(ctx, { holdId: names.idOf(op.hold) });
    case "refund":
      return refund(ctx, { entryId: names.idOf(op.entry), units: op.units, key: op.key, reason: "asked" });
    case "place":
      return place(ctx, names, op.lines, tag);
    case "fulfil":
      return fulfil(ctx, names.idOf(op.order), state.orders[op.order]!.totalMinor, op.tellers);
    case "look":
      return lookAtMoney(
        ctx,
        names,
        op.orders.map((one) => state.orders[one]!),
      );
    case "settle":
      return settleCredits(ctx);
    case "write off":
      return writeOffExpired(ctx).then(() => ({}));
    case "plan":
      return consume(ctx, { feature: "plan", units: 1 });
    case "cron":
      for (const job of [endPlans, rollDue, expireLots, followDebts, sweepHolds]) await job(ctx);
      return {};
  }
}

async function lotIdOf(ctx: TenantCtx, source: string): Promise<string | undefined> {
  const [row] = await inTenant(ctx, (tx) =>
    tx
      .select({ id: lots.id })
      .from(lots)
      .where(and(eq(lots.tenantId, ctx.tenant.id), eq(lots.source, source))),
  );
  return row?.id;
}

async function place(ctx: TenantCtx, names: Names, lines: readonly Line[], tag: string): Promise<Answer> {
  const order = await inTenant(ctx, (_tx, inner) =>
    placeOrder(inner, { origin: "checkout", currency: "usd", lines: lines.map(newLine) }),
  );
  names.give(tag, order.id);
  return {};
}

function newLine(line: Line): NewLine {
  const sold = { name: JSON.stringify(line), amountMinor: BigInt(priceOf(line)), lookupKey: null };
  if ("plan" in line)
    return { ...sold, kind: "plan", planVersion: `${line.plan}@1`, days: line.periods * PLAN_DAYS };
  return { ...sold, kind: "credits", credits: line.credits, creditsExpireAfterDays: line.expireAfterDays };
}

/** The webhook, the return page, a sync, …: each in a transaction of its own. */
async function fulfil(ctx: TenantCtx, orderId: string, totalMinor: number, tellers: number): Promise<Answer> {
  const payment = {
    paymentId: `pi_${orderId}`,
    paidAt: ctx.now(),
    totalMinor: BigInt(totalMinor),
    currency: "usd",
  };
  const told = await Promise.all(
    Array.from({ length: tellers }, () =>
      inTenant(ctx, (_tx, inner) => fulfilOrder(inner, orderId, payment)),
    ),
  );
  return { given: told.filter((given) => given).length };
}
