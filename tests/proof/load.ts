import type { TenantCtx } from "@/server/context";
import { grantCredits } from "@/server/credits/grant-credits";
import { commit } from "@/server/quota/commit";
import { consume } from "@/server/quota/consume";
import { refund } from "@/server/quota/refund";
import { reserve } from "@/server/quota/reserve";

/** One keyed call among many. What it made is an id, the same one however often it is asked; null: it was denied. */
export interface LoadStep {
  key: string;
  run(ctx: TenantCtx): Promise<string | null>;
}

/** The n-th call of a lane: draws that share meters and lots with all other lanes, holds that settle, refunds, grants. */
export function loadStep(round: string, lane: number, n: number): LoadStep {
  const key = `${round}-${lane}-${n}`;
  const before = `${round}-${lane}-${n - 1}`;
  const draw = async (ctx: TenantCtx, its: string) => {
    const receipt = await consume(ctx, { feature: "compute", units: 1 + (lane % 3), key: its });
    return receipt.allowed ? receipt.entryId : null;
  };
  const hold = async (ctx: TenantCtx, its: string) => {
    const held = await reserve(ctx, { feature: "compute", units: 5, key: its, overflow: "cap" });
    return held.allowed ? held.holdId : null;
  };
  switch (n % 6) {
    case 0:
      return { key, run: async (ctx) => (await grantCredits(ctx, lot(key))).lotId };
    case 1:
    case 4:
      return { key, run: (ctx) => draw(ctx, key) };
    case 2:
      return { key, run: (ctx) => hold(ctx, key) };
    case 3:
      return { key, run: async (ctx) => settled(ctx, await hold(ctx, before), lane) };
    default:
      return { key, run: async (ctx) => takenBack(ctx, await draw(ctx, before), key) };
  }
}

const lot = (key: string) => ({ amount: 4, kind: "purchase" as const, source: `load:${key}` });

async function settled(ctx: TenantCtx, holdId: string | null, lane: number): Promise<string | null> {
  return holdId === null ? null : (await commit(ctx, { holdId, units: 2 + (lane % 6) })).entryId;
}

async function takenBack(ctx: TenantCtx, entryId: string | null, key: string): Promise<string | null> {
  return entryId === null ? null : (await refund(ctx, { entryId, units: 1, key, reason: "load" })).entryId;
}

/** Asks with one key until there is an answer, as a careful client does when the line goes dead. */
export async function insist<T>(call: () => Promise<T>, stopped: () => boolean = () => false): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if ((error as { code?: string }).code !== "BUSY" || stopped()) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
