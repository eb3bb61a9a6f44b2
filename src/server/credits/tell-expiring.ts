import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { tell } from "../events/service";

const NOTICE_DAYS = 7;
const DAY_MS = 86_400_000;

/** Until when what expires is told now. */
export const expiringUntil = (now: Date) => new Date(now.getTime() + NOTICE_DAYS * DAY_MS);

/** Tells once of the credits that expire on a day. @returns whether nobody else did */
export async function tellExpiring(
  ctx: TenantCtx,
  { fact, credits, expiresAt }: { fact: string; credits: number; expiresAt: Date },
): Promise<boolean> {
  const payload = { credits, expiresAt: expiresAt.toISOString() };
  return inTenant(ctx, (_tx, inner) => tell(inner, { type: "credits.expiring", fact, payload }));
}
