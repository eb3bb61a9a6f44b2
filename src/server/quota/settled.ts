import { type SQL, sql } from "drizzle-orm";
import type { TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { asking } from "./asking";
import { keyConflict } from "./consume";

/** What settling a hold, or refunding a charge, came to. All in units of the meter but `credits`. */
export interface Settled {
  entryId: string;
  feature: string;
  /** true: this is what an earlier call did; nothing was moved now. */
  replayed: boolean;
  /** What was really used (commit), or given back (release, refund). */
  units: number;
  /** How much of `units` is charged in the end. */
  charged: number;
  /** Used, and not to be had: the hold's `overflow` says when that can be. */
  uncharged: number;
  /** `quota`, `blocked:past_due`…; null when all of it is charged. */
  unchargedBecause: string | null;
  /** What went back to where it came from. */
  returned: { allowance: number; lots: { lotId: string; units: number }[]; credits: number };
  /** What a commit above its hold drew besides. */
  drawn: { allowance: number; lots: { lotId: string; units: number }[]; credits: number };
  overUnits: number;
  /** Units given back to nothing, since their window or lot is over. */
  lapsed: number;
  used: number;
  /** null: unlimited. */
  limit: number | null;
  remaining: number | null;
  windowStartsAt: Date | null;
  resetsAt: Date | null;
  planVersion: string | null;
}

const REFUSED: Record<string, () => AppError> = {
  not_found: () => new AppError("NOT_FOUND", "There is no such hold or charge."),
  archived: () =>
    new AppError("NOT_FOUND", "This hold or charge was archived.", { hint: "It can't be settled any more." }),
  released: () => new AppError("CONFLICT", "This hold was released."),
  committed: () =>
    new AppError("CONFLICT", "This hold was committed.", { hint: "Refund the commit instead." }),
  conflict: keyConflict,
  not_refundable: () =>
    new AppError("INVALID_INPUT", "Only what a meter was charged for can be refunded.", {
      hint: "Name the entry of a consume, of a commit, or of a committed hold; a level's units are released.",
    }),
  not_charged: () =>
    new AppError("CONFLICT", "Nothing of this hold was charged.", {
      hint: "Commit it, or release it; only what was committed can be refunded.",
    }),
  nothing_left: () => new AppError("CONFLICT", "All of this charge was given back before."),
  too_much: () => new AppError("CONFLICT", "That is more than is left of this charge."),
};
const DONE = new Set(["committed", "released", "refunded", "replayed"]);

/** Asks one of the functions in ledger/holds.sql and ledger/refund.sql that answer with a `gate_settled`. @throws AppError as it says */
export async function settle(
  ctx: TenantCtx,
  call: SQL,
  done: "committed" | "released" | "refunded",
): Promise<Settled> {
  const row = await inTenant(ctx, (tx, inner) => asking(inner, () => askGate(tx, call)));
  const { status } = row;
  if (!DONE.has(status) || (status !== "replayed" && status !== done)) throw REFUSED[status]!();
  const moved = lotsOf(row.lot_ids, row.lot_draws);
  const number = (name: string) => Number(row[name] ?? 0);
  const limit = row.granted === null ? null : number("granted");
  const part = (sign: 1 | -1) => ({
    allowance: Math.max(sign * number("allowance_units"), 0),
    lots: moved.flatMap(({ lotId, units }) => (sign * units > 0 ? [{ lotId, units: sign * units }] : [])),
    credits: Math.max(sign * number("credits"), 0),
  });
  return {
    entryId: row.entry_id ?? "",
    feature: row.feature ?? "",
    replayed: status === "replayed",
    units: number("units"),
    charged: done === "committed" ? number("charged") : 0,
    uncharged: number("uncharged"),
    unchargedBecause: number("uncharged") > 0 ? (row.reason ?? null) : null,
    returned: part(-1),
    drawn: part(1),
    overUnits: Math.max(number("over_units"), 0),
    lapsed: number("lapsed"),
    used: number("used"),
    limit,
    remaining: limit === null ? null : Math.max(limit - number("used"), 0),
    windowStartsAt: instant(row.starts_ms),
    resetsAt: instant(row.ends_ms),
    planVersion: row.plan_version ?? null,
  };
}

type Row = Record<string, string | null> & { status: string; reason: string | null };

async function askGate(tx: Tx, call: SQL): Promise<Row> {
  const [row] = await tx.execute<Row>(sql`select * from ${call}`);
  return row!;
}

const instant = (ms: unknown) => (ms === null || ms === undefined ? null : new Date(Number(ms)));

function lotsOf(ids: unknown, draws: unknown): { lotId: string; units: number }[] {
  if (!ids) return [];
  const list = (value: unknown) => (Array.isArray(value) ? value : String(value).slice(1, -1).split(","));
  const amounts = list(draws);
  return list(ids).map((lotId, at) => ({ lotId: String(lotId), units: Number(amounts[at]) }));
}
