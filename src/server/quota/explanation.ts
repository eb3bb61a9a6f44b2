import type { Feature, Limit } from "@/lib/price-list";
import type { WayOut } from "../errors";
import type { Breakdown } from "../ledger/breakdown";
import type { entries, holds } from "../ledger/tables";

export type Operation = (typeof entries.$inferSelect)["operation"];

export interface DrawnLot {
  lotId: string;
  /** "credits", or the meter's id. */
  unit: string;
  kind: string;
  /** The economic fact that made it. */
  source: string;
  expiresAt: Date | null;
  /** What it gave; below zero, what it got back. */
  units: number;
}

export interface ChainLink {
  entryId: string;
  operation: Operation;
  units: number;
  createdAt: Date;
}

/** One entry of the ledger, told whole. */
export interface Explanation {
  entryId: string;
  operation: Operation;
  createdAt: Date;
  feature: { id: string; name: string; unit: string; kind: Feature["kind"] | "credits" };
  /** What was asked for, or really used (commit), or given back (release, refund). */
  units: number;
  /** Which feature drew on a shared meter, and what each kind of its costs came to, in the meter's units. */
  breakdown: Breakdown | null;
  actor: { kind: string; id: string; name: string | null };
  /** The plan version that decided, and what it says about the feature; null for what no plan decides. */
  plan: { version: string; name: string; limit: Limit | null; rule: Feature | null } | null;
  /** The limit of the tenant's own that held then, instead of the plan's. */
  override: {
    overrideId: string;
    /** null: unlimited. */
    limit: number | null;
    reason: string;
    actor: string;
    createdAt: Date;
    expiresAt: Date | null;
  } | null;
  /** Right after the entry; a `limit` of null is unlimited. null for entries that are about no meter. */
  balance: { used: number; limit: number | null } | null;
  window: { startsAt: Date; resetsAt: Date | null } | null;
  /** Where the units came from, in the order they were drawn; below zero is given back. */
  drawn: {
    allowance: number;
    lots: DrawnLot[];
    /** How much of the units came from lots of the feature's own unit. */
    lotUnits: number;
    credits: number;
    over: number;
    uncharged: number;
  };
  /** Why units went past the limit; null when none did. */
  overBecause: OverBecause | null;
  currency: string;
  /** The share of the allowance, in per cent, that was reached with it. */
  crossed: number | null;
  /** Why it was refused, corrected or given back, when that was kept. */
  reason: string | null;
  /** The hold that this entry made or settled. */
  hold: Pick<typeof holds.$inferSelect, "status" | "overflow" | "units" | "expiresAt"> | null;
  /** The hold that this settles, or the charge that it takes back; null for what stands first. */
  parentId: string | null;
  /** A hold and what settled it, a charge and its refunds, by time, this entry among them. */
  chain: ChainLink[];
  properties: (typeof entries.$inferSelect)["properties"];
  /** Of a denial: what would let it through now, the cheapest first. */
  waysOut: WayOut[];
  /** All of it for people, one fact each; times are in the tenant's zone. */
  sentences: string[];
}

export type OverBecause = "overage" | "warn" | "confirmed" | "settled";
