import { and, eq, isNull, lte, or, sql } from "drizzle-orm";
import type { CreditPack } from "@/lib/price-list";
import type { TenantCtx } from "../context";
import { settleCredits } from "../credits/settle-credits";
import type { Tx } from "../db/client";
import { inTenant } from "../db/transaction";
import { audit } from "../events/service";
import { packLine } from "../orders/order-lines";
import { placeOrder } from "../orders/place-order";
import { failed, type TopUpDecision } from "./auto-top-up-rules";
import { topUpAttempts } from "./tables";
import { dueTopUp } from "./top-up-due";
import { ofAttempt, payTopUp, type TopUpAttempt } from "./top-up-payment";
import { postponeTopUp, settleTopUp, stopTopUps } from "./top-up-settlement";
import {
  type AutoTopUpRow,
  decideTopUp,
  lockAutoTopUp,
  lockSpendable,
  packOffSession,
  topUpMonth,
} from "./top-up-standing";

type WritingCtx = TenantCtx & { tx: Tx };

/** `busy`: somebody else is at it. `waiting`: the payment is on its way, or Stripe could not be asked. */
export type TopUpResult =
  | Exclude<TopUpDecision, "buy">
  | "bought"
  | "failed"
  | "abandoned"
  | "waiting"
  | "busy";

interface Turn {
  attempt: TopUpAttempt;
  isWanted: boolean;
}

/** The longest that one attempt asks Stripe, retries of the client included. A turn that lapsed does no harm. */
const LEASE = sql`clock_timestamp() + interval '60 seconds'`;
/** Debts and blocks end without a draw, so nothing tells us. */
const BARRED_HOURS = 1;
const HOUR_MS = 3_600_000;

/**
 * Buys a pack with the tenant's card if its credits are below its threshold, or takes an attempt further that was
 * interrupted. Safe at any time, any number of times, by any number of runners: one attempt is under way at most.
 */
export async function topUp(ctx: TenantCtx): Promise<TopUpResult> {
  if (ctx.tx) throw new Error("topUp waits for Stripe: call it outside transactions.");
  // First, and on its own: a refill may make a purchase needless.
  await settleCredits(ctx);
  const turn = await inTenant(ctx, (_tx, inner) => takeTurn(inner));
  return typeof turn === "string" ? turn : work(ctx, turn);
}

/** Takes an attempt further that is under way, and begins none: for whoever hears about a payment. */
export async function resumeTopUp(ctx: TenantCtx): Promise<TopUpResult | null> {
  if (!(await inTenant(ctx, (_tx, inner) => openAttempt(inner)))) return null;
  await settleCredits(ctx);
  const turn = await inTenant(ctx, (_tx, inner) => takeOpen(inner));
  return turn === null || typeof turn === "string" ? turn : work(ctx, turn);
}

async function work(ctx: TenantCtx, { attempt, isWanted }: Turn): Promise<TopUpResult> {
  try {
    return await settleTopUp(ctx, attempt, await payTopUp(ctx, attempt, isWanted));
  } catch (error) {
    return postponeTopUp(ctx, attempt, error);
  }
}

/** null: none is under way any more. It may have ended since somebody heard of its payment. */
async function takeOpen(ctx: WritingCtx): Promise<Turn | "busy" | null> {
  const settings = await lockAutoTopUp(ctx);
  const open = await openAttempt(ctx);
  return settings && open ? takeOver(ctx, settings, open) : null;
}

async function takeTurn(ctx: WritingCtx): Promise<Turn | Exclude<TopUpResult, "bought">> {
  const settings = await lockAutoTopUp(ctx);
  if (!settings) {
    await dueTopUp(ctx, null);
    return "off";
  }
  const open = await openAttempt(ctx);
  if (open) return takeOver(ctx, settings, open);
  const decision = await decideTopUp(ctx, settings, { spendable: await lockSpendable(ctx) });
  if (decision !== "buy") return setAside(ctx, settings, decision);
  const pack = packOffSession(ctx, settings.packId);
  if (!pack) throw new Error("A pack that is not sold can't be bought.");
  return { attempt: await begin(ctx, pack), isWanted: true };
}

async function openAttempt({ tx, tenant }: WritingCtx): Promise<TopUpAttempt | null> {
  const [row] = await tx
    .select()
    .from(topUpAttempts)
    .where(and(eq(topUpAttempts.tenantId, tenant.id), eq(topUpAttempts.status, "in_flight")));
  return row ?? null;
}

/** Somebody is at it, or died over it. */
async function takeOver(ctx: WritingCtx, settings: AutoTopUpRow, open: TopUpAttempt): Promise<Turn | "busy"> {
  const isFree = or(
    isNull(topUpAttempts.leaseEndsAt),
    lte(topUpAttempts.leaseEndsAt, sql`clock_timestamp()`),
  );
  const [attempt] = await ctx.tx
    .update(topUpAttempts)
    .set({ leaseEndsAt: LEASE, tries: sql`${topUpAttempts.tries} + 1` })
    .where(and(ofAttempt(ctx, open), isFree))
    .returning();
  if (!attempt) return "busy";
  const spendable = await lockSpendable(ctx);
  const decision = await decideTopUp(ctx, settings, { spendable, ownOrderId: open.orderId });
  return { attempt, isWanted: decision === "buy" };
}

async function setAside(
  ctx: WritingCtx,
  settings: AutoTopUpRow,
  decision: Exclude<TopUpDecision, "buy">,
): Promise<Exclude<TopUpDecision, "buy">> {
  const now = ctx.now().getTime();
  if (decision === "off" || decision === "recovered") await dueTopUp(ctx, null);
  if (decision === "barred") await dueTopUp(ctx, new Date(now + BARRED_HOURS * HOUR_MS));
  if (decision === "capped") await dueTopUp(ctx, topUpMonth(ctx).endsAt);
  if (decision === "pack_changed")
    await stopTopUps(ctx, { ...failed("pack_changed", settings.packId), orderId: null });
  return decision;
}

/** Written before Stripe is asked: the order's id is what makes every later call the same one. */
async function begin(ctx: WritingCtx, pack: CreditPack): Promise<TopUpAttempt> {
  const { currency } = ctx.prices;
  const order = await placeOrder(ctx, {
    origin: "auto_top_up",
    currency,
    lines: [{ ...packLine(pack, currency), lookupKey: null }],
  });
  const [attempt] = await ctx.tx
    .insert(topUpAttempts)
    .values({
      tenantId: ctx.tenant.id,
      orderId: order.id,
      status: "in_flight",
      amountMinor: order.totalMinor,
      currency,
      credits: pack.credits,
      tries: 1,
      leaseEndsAt: LEASE,
      createdAt: order.createdAt,
    })
    .returning();
  const details = { pack: pack.id, credits: pack.credits, amountMinor: pack.priceMinor, currency };
  await audit(ctx, { action: "top_up.begun", subject: order.id, details });
  return attempt!;
}
