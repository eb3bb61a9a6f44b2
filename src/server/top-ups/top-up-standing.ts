import { and, eq, gt, gte, inArray, isNull, lte, ne, or, sum } from "drizzle-orm";
import type { CreditPack } from "@/lib/price-list";
import { periodAt } from "@/lib/time";
import type { Ctx, TenantCtx } from "../context";
import { creditAccounts } from "../credits/tables";
import type { Tx } from "../db/client";
import { tenantBlocks } from "../entitlements/tables";
import { debtOf } from "../ledger/debt";
import { lots } from "../ledger/tables";
import { mustPayFirst } from "../subscriptions/dunning";
import { type TopUpDecision, topUpDecision } from "./auto-top-up-rules";
import { autoTopUps, topUpAttempts } from "./tables";

type WritingCtx = TenantCtx & { tx: Tx };
export type AutoTopUpRow = typeof autoTopUps.$inferSelect;

/** The tenant's settings, locked: all that decides about top-ups of one tenant takes turns here. */
export async function lockAutoTopUp({ tx, tenant }: WritingCtx): Promise<AutoTopUpRow | null> {
  const rows = tx.select().from(autoTopUps).where(eq(autoTopUps.tenantId, tenant.id));
  const [row] = await rows.for("no key update");
  return row ?? null;
}

/**
 * Whether a pack is bought now.
 * @param facts `spendable`: see {@link lockSpendable}; `ownOrderId`: an attempt that is judged again, whose own price
 *   is not counted twice
 */
export async function decideTopUp(
  ctx: WritingCtx,
  settings: AutoTopUpRow,
  { spendable, ownOrderId = null }: { spendable: number; ownOrderId?: string | null },
): Promise<TopUpDecision> {
  return topUpDecision({
    isOn: settings.enabledAt !== null,
    terms: settings,
    pack: packOffSession(ctx, settings.packId),
    currency: ctx.prices.currency,
    spendable,
    isBarred: await isBarred(ctx),
    spentMinor: await spentThisMonth(ctx, ownOrderId),
  });
}

/** The pack, if it may be charged by itself: tax is worked out at a page only, so where there is tax nothing may. */
export function packOffSession({ prices }: Ctx, packId: string): CreditPack | null {
  if (prices.automaticTax) return null;
  return prices.packs.find(({ id }) => id === packId) ?? null;
}

/** The calendar month of the tenant's time zone: what the cap is counted in. */
export function topUpMonth(ctx: TenantCtx): { startsAt: Date; endsAt: Date } {
  return periodAt(ctx.now(), { unit: "month", anchor: null, timeZone: ctx.tenant.timeZone });
}

/** What was bought or is being bought in this month, by when it was ordered. What failed cost nothing. */
export async function spentThisMonth(ctx: WritingCtx, ownOrderId: string | null = null): Promise<bigint> {
  const { tenantId, status, createdAt, orderId, amountMinor } = topUpAttempts;
  const [row] = await ctx.tx
    .select({ sum: sum(amountMinor) })
    .from(topUpAttempts)
    .where(
      and(
        eq(tenantId, ctx.tenant.id),
        inArray(status, ["in_flight", "paid"]),
        gte(createdAt, topUpMonth(ctx).startsAt),
        ownOrderId === null ? undefined : ne(orderId, ownOrderId),
      ),
    );
  return BigInt(row?.sum ?? 0);
}

/**
 * Credits that may be spent. The account's row is locked before they are counted: whoever draws at this instant has
 * been counted, or comes to the row after us and finds that nobody is looking any more (see `credit_watch`).
 */
export async function lockSpendable(ctx: WritingCtx): Promise<number> {
  const ofTenant = eq(creditAccounts.tenantId, ctx.tenant.id);
  await ctx.tx.select().from(creditAccounts).where(ofTenant).for("no key update");
  return spendable(ctx);
}

/** Credits that may be spent this instant. */
export async function spendable(ctx: WritingCtx): Promise<number> {
  const now = ctx.now();
  const isSpendable = and(
    isNull(lots.closedAt),
    lte(lots.startsAt, now),
    or(isNull(lots.expiresAt), gt(lots.expiresAt, now)),
  );
  const [row] = await ctx.tx
    .select({ sum: sum(lots.remaining) })
    .from(lots)
    .where(and(eq(lots.tenantId, ctx.tenant.id), eq(lots.unit, "credits"), isSpendable));
  return Number(row?.sum ?? 0);
}

/** A card that took its money back is not charged again by itself, nor is anybody who is blocked or has to pay first. */
async function isBarred(ctx: WritingCtx): Promise<boolean> {
  if ((await debtOf(ctx)).owed > 0 || (await mustPayFirst(ctx))) return true;
  const blocks = ctx.tx.select().from(tenantBlocks).where(eq(tenantBlocks.tenantId, ctx.tenant.id));
  return (await blocks.limit(1)).length > 0;
}
