import type { TenantCtx } from "../context";
import { type GrantInput, grantLot } from "../ledger/grant";

/** Grants credits (or units of a meter) once per source. See `ledger/grant.ts`. */
export function grantCredits(
  ctx: TenantCtx,
  input: Omit<GrantInput, "unit"> & { unit?: string },
): ReturnType<typeof grantLot> {
  return grantLot(ctx, { unit: "credits", ...input });
}
