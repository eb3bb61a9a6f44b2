import { desc, eq } from "drizzle-orm";
import type { Money } from "@/lib/money";
import type { CreditPack } from "@/lib/price-list";
import { actorName, type TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { audit } from "../events/service";
import { parseInput } from "../parse";
import { mustPayFirst } from "../subscriptions/dunning";
import { type SetAutoTopUpInput, setAutoTopUpInput } from "./inputs";
import { paymentMethodFor, type SavedPaymentMethod } from "./payment-method";
import { autoTopUps, topUpAttempts } from "./tables";
import { watchTopUp } from "./top-up-due";
import { payByHandUrl } from "./top-up-settlement";
import {
  type AutoTopUpRow,
  decideTopUp,
  lockAutoTopUp,
  packOffSession,
  spendable,
  spentThisMonth,
  topUpMonth,
} from "./top-up-standing";

type WritingCtx = TenantCtx & { tx: Tx };
type Wish = Extract<SetAutoTopUpInput, { enabled: true }>;

const ATTEMPTS_SHOWN = 10;

export interface AutoTopUpView {
  /** `stopped`: a payment failed; nothing is bought until somebody turns it on again. */
  state: "off" | "on" | "stopped";
  /** null until it was turned on once. */
  settings: {
    /** Credits; below this one pack is bought. */
    threshold: number;
    pack: string;
    /** null when the pack is no longer sold. */
    packName: string | null;
    credits: number;
    /** As agreed when it was turned on. */
    price: Money;
    /** The most that a calendar month's top-ups cost. */
    monthlyCap: Money;
  } | null;
  /** The card as of the last look. */
  card: { brand: string; last4: string | null } | null;
  /** Bought or being bought in this calendar month of the workspace's time zone. */
  spentThisMonth: Money;
  capResetsAt: Date;
  /** Why a pack that is due is not there yet: a payment under way, this month's cap, an unpaid plan, or credits owed or another block. */
  waiting: "in_flight" | "cap" | "past_due" | "debt" | null;
  /** `payUrl` leads to the same pack at a page that can ask the card's owner to confirm. */
  stopped: { at: Date; reason: string; code: string | null; message: string; payUrl: string } | null;
  /** The last ones, newest first. */
  attempts: {
    orderId: string;
    at: Date;
    status: "in_flight" | "paid" | "failed" | "abandoned";
    credits: number;
    price: Money;
    reason: string | null;
    message: string | null;
  }[];
}

/** Settings, state and last attempts. Reads our own tables only. */
export async function autoTopUp(ctx: TenantCtx): Promise<AutoTopUpView> {
  return inTenant(ctx, async (tx, inner) => {
    const [row] = await tx.select().from(autoTopUps).where(eq(autoTopUps.tenantId, ctx.tenant.id));
    const attempts = await lastAttempts(inner);
    const currency = row?.currency ?? ctx.prices.currency;
    return {
      state: stateOf(row),
      settings: row ? settingsOf(ctx, row) : null,
      card: row?.cardBrand ? { brand: row.cardBrand, last4: row.cardLast4 } : null,
      spentThisMonth: { amountMinor: await spentThisMonth(inner), currency },
      capResetsAt: topUpMonth(ctx).endsAt,
      waiting: row ? await waitingFor(inner, row, attempts) : null,
      stopped: row ? stoppedOf(ctx, row) : null,
      attempts,
    };
  });
}

/**
 * Turns automatic purchases on, with what the tenant agrees to, or off. An attempt under way is finished either way.
 * @throws AppError INVALID_INPUT, CARD_NEEDED when nothing can be charged, PAYMENT_PROVIDER
 */
export async function setAutoTopUp(ctx: TenantCtx, input: SetAutoTopUpInput): Promise<AutoTopUpView> {
  const wish = parseInput(setAutoTopUpInput, input);
  if (!wish.enabled) {
    await inTenant(ctx, (_tx, inner) => turnOff(inner));
    return autoTopUp(ctx);
  }
  const pack = packOf(ctx, wish);
  const card = await paymentMethodFor(ctx);
  if (!card) throw cardNeeded();
  await inTenant(ctx, (_tx, inner) => turnOn(inner, wish, pack, card));
  return autoTopUp(ctx);
}

function packOf(ctx: TenantCtx, { pack: id, monthlyCapMinor }: Wish): CreditPack {
  if (ctx.prices.automaticTax)
    throw new AppError(
      "INVALID_INPUT",
      "Packs are sold with tax here, which only a checkout page can work out.",
    );
  const pack = packOffSession(ctx, id);
  if (!pack) throw new AppError("INVALID_INPUT", "There is no such pack.");
  if (monthlyCapMinor < pack.priceMinor)
    throw new AppError("INVALID_INPUT", "The monthly limit is below the price of one pack.");
  return pack;
}

function cardNeeded(): AppError {
  return new AppError("CARD_NEEDED", "Please save a card first.", {
    hint: "Buy a pack with billing.checkout({ pack, saveCard: true }), or add a card in the billing portal.",
  });
}

/** On again is a fresh start: what stopped it before is forgotten. */
async function turnOn(
  ctx: WritingCtx,
  wish: Wish,
  pack: CreditPack,
  card: SavedPaymentMethod,
): Promise<void> {
  await lockAutoTopUp(ctx);
  const now = ctx.now();
  const row = {
    enabledAt: now,
    threshold: wish.threshold,
    packId: pack.id,
    credits: pack.credits,
    priceMinor: BigInt(pack.priceMinor),
    currency: ctx.prices.currency,
    monthlyCapMinor: BigInt(wish.monthlyCapMinor),
    ...NOT_STOPPED,
    cardBrand: card.brand,
    cardLast4: card.last4,
    updatedBy: actorName(ctx.actor),
    updatedAt: now,
  };
  await ctx.tx
    .insert(autoTopUps)
    .values({ tenantId: ctx.tenant.id, ...row })
    .onConflictDoUpdate({ target: autoTopUps.tenantId, set: row });
  await watchTopUp(ctx, wish.threshold);
  const { threshold, monthlyCapMinor } = wish;
  const agreed = { threshold, pack: pack.id, priceMinor: pack.priceMinor, monthlyCapMinor };
  await audit(ctx, { action: "auto_top_up.on", details: agreed });
}

const NOT_STOPPED = {
  stoppedAt: null,
  stoppedOrderId: null,
  stoppedReason: null,
  stoppedCode: null,
  stoppedMessage: null,
};

async function turnOff(ctx: WritingCtx): Promise<void> {
  const known = await lockAutoTopUp(ctx);
  if (!known) return;
  await ctx.tx
    .update(autoTopUps)
    .set({ enabledAt: null, ...NOT_STOPPED, updatedBy: actorName(ctx.actor), updatedAt: ctx.now() })
    .where(eq(autoTopUps.tenantId, ctx.tenant.id));
  await watchTopUp(ctx, null);
  await audit(ctx, { action: "auto_top_up.off" });
}

function stateOf(row: AutoTopUpRow | undefined): AutoTopUpView["state"] {
  if (row?.stoppedAt) return "stopped";
  return row?.enabledAt ? "on" : "off";
}

function settingsOf(ctx: TenantCtx, row: AutoTopUpRow): AutoTopUpView["settings"] {
  const { threshold, packId: pack, credits, priceMinor, monthlyCapMinor, currency } = row;
  return {
    threshold,
    pack,
    packName: ctx.prices.packs.find(({ id }) => id === pack)?.name ?? null,
    credits,
    price: { amountMinor: priceMinor, currency },
    monthlyCap: { amountMinor: monthlyCapMinor, currency },
  };
}

function stoppedOf(ctx: TenantCtx, row: AutoTopUpRow): AutoTopUpView["stopped"] {
  const { stoppedAt: at, stoppedReason: reason, stoppedCode: code, stoppedMessage } = row;
  if (!at || !reason) return null;
  return { at, reason, code, message: stoppedMessage ?? "", payUrl: payByHandUrl(ctx, row.packId) };
}

async function waitingFor(
  ctx: WritingCtx,
  row: AutoTopUpRow,
  attempts: AutoTopUpView["attempts"],
): Promise<AutoTopUpView["waiting"]> {
  if (attempts[0]?.status === "in_flight") return "in_flight";
  const decision = await decideTopUp(ctx, row, { spendable: await spendable(ctx) });
  if (decision === "capped") return "cap";
  if (decision !== "barred") return null;
  return (await mustPayFirst(ctx)) ? "past_due" : "debt";
}

async function lastAttempts(ctx: WritingCtx): Promise<AutoTopUpView["attempts"]> {
  const rows = await ctx.tx
    .select()
    .from(topUpAttempts)
    .where(eq(topUpAttempts.tenantId, ctx.tenant.id))
    .orderBy(desc(topUpAttempts.orderId))
    .limit(ATTEMPTS_SHOWN);
  return rows.map(({ orderId, createdAt: at, status, credits, amountMinor, currency, ...row }) => ({
    orderId,
    at,
    status,
    credits,
    price: { amountMinor, currency },
    reason: row.failedReason,
    message: row.failedMessage,
  }));
}
