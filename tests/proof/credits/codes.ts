import { createCode } from "@/server/credits/promo-codes";
import { type Stage, systemCtx } from "../stage";
import { CODES } from "./prices";

const made = new WeakMap<Stage["db"], Promise<void>>();

/** The codes that every tenant of this database may redeem; made before the first history. */
export function makeCodes({ db, prices }: Stage): Promise<void> {
  const codes = made.get(db) ?? make({ db, prices });
  made.set(db, codes);
  return codes;
}

async function make(stage: Pick<Stage, "db" | "prices">): Promise<void> {
  const ctx = systemCtx(stage, () => new Date("2025-12-01T00:00:00Z"));
  for (const [code, { kind, credits, lastsDays, endsAtMs }] of Object.entries(CODES))
    await createCode(ctx, {
      code,
      kind,
      credits,
      ...(lastsDays !== null && { lotExpiresAfterDays: lastsDays }),
      ...(endsAtMs !== null && { lotExpiresAt: new Date(endsAtMs) }),
      reason: "a campaign",
    });
}
