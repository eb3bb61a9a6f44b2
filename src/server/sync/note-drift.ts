import { and, eq, isNull, lt } from "drizzle-orm";
import { newId } from "@/lib/ids";
import type { Ctx } from "../context";
import { inTransaction } from "../db/transaction";
import { compareWithList } from "../stripe/compare";
import { recordedPrices } from "../stripe/prices";
import { drifts } from "./tables";

export type DriftKind =
  | "event"
  | "subscription"
  | "plan"
  | "checkout"
  | "money_back"
  | "price"
  | "invoice"
  | "payment"
  | "credit_note";

/** One thing that we and Stripe say differently, in words for people. */
export interface Drift {
  kind: DriftKind;
  subject: string;
  ours: string;
  theirs: string;
}

export type DriftRow = typeof drifts.$inferSelect;
type How = NonNullable<DriftRow["how"]>;

const KEPT_DAYS = 90;
const DAY_MS = 86_400_000;

/** Writes down what disagrees: once, until it is healed. @param how when it was put right in the same breath */
export async function noteDrift(
  ctx: Ctx,
  found: readonly Drift[],
  { customerId, how }: { customerId: string | null; how?: How },
): Promise<void> {
  if (found.length === 0) return;
  const foundAt = ctx.now();
  await inTransaction(ctx, async (tx) => {
    for (const one of found) {
      const id = newId("drift", foundAt);
      const { kind, subject, ours, theirs } = one;
      const row = { id, kind, subject, ours, theirs, customerId, foundAt };
      const open = { target: [drifts.kind, drifts.subject], targetWhere: isNull(drifts.healedAt) };
      await tx
        .insert(drifts)
        .values(row)
        .onConflictDoUpdate({ ...open, set: { ours, theirs } });
      if (how) await close(ctx, tx, one, how);
    }
  });
}

/** Closes the open ones of a customer (or, with null, of prices) that a comparison no longer finds. */
export async function closeDrift(
  ctx: Ctx,
  stillFound: readonly Drift[],
  { customerId, how }: { customerId: string | null; how: How },
): Promise<void> {
  const ofWhom = customerId === null ? eq(drifts.kind, "price") : eq(drifts.customerId, customerId);
  await inTransaction(ctx, async (tx) => {
    const open = await tx
      .select()
      .from(drifts)
      .where(and(ofWhom, isNull(drifts.healedAt)));
    const isFound = (row: DriftRow) =>
      stillFound.some(({ kind, subject }) => kind === row.kind && subject === row.subject);
    for (const row of open) if (!isFound(row)) await close(ctx, tx, row, how);
  });
}

async function close(
  ctx: Ctx,
  tx: NonNullable<Ctx["tx"]>,
  { kind, subject }: Pick<Drift, "kind" | "subject">,
  how: How,
): Promise<void> {
  await tx
    .update(drifts)
    .set({ healedAt: ctx.now(), how })
    .where(and(eq(drifts.kind, kind), eq(drifts.subject, subject), isNull(drifts.healedAt)));
}

/** Forgets what was put right long ago. */
export async function forgetDrift(ctx: Ctx): Promise<void> {
  const before = new Date(ctx.now().getTime() - KEPT_DAYS * DAY_MS);
  await inTransaction(ctx, (tx) => tx.delete(drifts).where(lt(drifts.healedAt, before)));
}

/**
 * Prices that were pushed and no longer stand so at Stripe: somebody archived or changed one there. People decide what is
 * meant; `npm run plans -- push` brings the price list's back.
 * @throws AppError PAYMENT_PROVIDER
 */
export async function notePriceDrift(ctx: Ctx): Promise<Drift[]> {
  const found = await priceDrift(ctx);
  await noteDrift(ctx, found, { customerId: null });
  await closeDrift(ctx, found, { customerId: null, how: "gone" });
  return found;
}

/** Reads only. @throws AppError PAYMENT_PROVIDER */
export async function priceDrift(ctx: Ctx): Promise<Drift[]> {
  const { prices } = await compareWithList(ctx);
  const pushed = await recordedPrices(
    ctx,
    prices.map(({ lookupKey }) => lookupKey),
  );
  return prices
    .filter(({ lookupKey, atStripe }) => pushed.has(lookupKey) && atStripe !== "in place")
    .map(({ lookupKey, price, atStripe }) => ({
      kind: "price" as const,
      subject: lookupKey,
      ours: `${price.amountMinor} ${price.currency}`,
      theirs: atStripe,
    }));
}
