import type { TenantCtx } from "../context";
import { grantLot } from "../ledger/grant";

const DAY_MS = 86_400_000;

/** What the price list gives every new tenant, once. Called where a tenant is made, in the same transaction. */
export async function grantSignUp(ctx: TenantCtx): Promise<void> {
  const signUp = ctx.prices.credits?.signUp;
  if (!signUp) return;
  const { credits, expiresAfterDays } = signUp;
  const expiresAt =
    expiresAfterDays === null ? null : new Date(ctx.now().getTime() + expiresAfterDays * DAY_MS);
  await grantLot(ctx, { unit: "credits", amount: credits, kind: "promo", source: "sign_up", expiresAt });
}
