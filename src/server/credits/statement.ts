import { and, eq, lt, sql } from "drizzle-orm";
import { firstId } from "@/lib/ids";
import { dayOf, dayStartsAt } from "@/lib/time";
import { tenants } from "../accounts/tables";
import type { TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { entries } from "../ledger/tables";
import { parseInput } from "../parse";
import { balanceAt } from "./history";
import { type StatementInput, statementInput } from "./inputs";
import { historyBegins, movedEntries, movementOf } from "./movement";
import { groupOf, type MovementGroup, type Operation } from "./rules";
import { settleCredits } from "./settle-credits";

export interface Statement {
  unit: string;
  /** `2026-11`, in the tenant's time zone. */
  month: string;
  startsAt: Date;
  endsAt: Date;
  /** false while the month is running. */
  complete: boolean;
  opening: number;
  granted: { kind: string; units: number }[];
  /** What was used, less what was given back. */
  consumed: number;
  /** What was left of a lot when its time was over, or was forfeited at a refill. */
  expired: number;
  /** With the money that was paid back, or by the operator. */
  takenBack: number;
  /** What paid off a debt. */
  repaid: number;
  /** opening + Σ granted − consumed − expired − takenBack − repaid, to the unit. */
  closing: number;
  /** The months before and after that have a statement; null for none. */
  previous: string | null;
  next: string | null;
}

/**
 * A month's credits (or units of a meter's lots) as one sum, from midnight to midnight in the tenant's time zone.
 * @throws AppError INVALID_INPUT for a month that has not begun, NOT_FOUND for one whose entries were archived
 */
export async function statement(ctx: TenantCtx, input: StatementInput = {}): Promise<Statement> {
  const { timeZone } = ctx.tenant;
  const running = monthOf(ctx.now(), timeZone);
  const { unit, month = running } = parseInput(statementInput, input);
  if (month > running) throw new AppError("INVALID_INPUT", "That month has not begun yet.");
  const startsAt = dayStartsAt(`${month}-01`, timeZone);
  const endsAt = dayStartsAt(`${month}-01`, timeZone, { months: 1 });
  const from = firstId("entry", startsAt);
  return inTenant(ctx, async (tx, inner) => {
    await settleCredits(inner);
    const begins = await historyBegins(tx, ctx);
    if (from < begins.id)
      throw new AppError("NOT_FOUND", "The entries of that month were archived. The operator has them.");
    const opening = await balanceAt(tx, ctx, unit, from);
    const moved = await movedIn(tx, ctx, { unit, from, until: firstId("entry", endsAt) });
    return {
      unit,
      month,
      startsAt,
      endsAt,
      complete: month < running,
      ...sumUp(opening, moved),
      previous: await monthBefore(tx, ctx, startsAt, begins.at),
      next: month < running ? monthOf(endsAt, timeZone) : null,
    };
  });
}

interface Moved {
  operation: Operation;
  kind: string | null;
  units: number;
}

function sumUp(opening: number, moved: readonly Moved[]) {
  const total = (rows: readonly Moved[]) => rows.reduce((sum, { units }) => sum + units, 0);
  const of = (...groups: MovementGroup[]) =>
    moved.filter(({ operation }) => groups.includes(groupOf(operation)));
  return {
    opening,
    granted: of("granted").map(({ kind, units }) => ({ kind: kind ?? "adjustment", units })),
    // From 0, since a month without any would otherwise say -0.
    consumed: 0 - total(of("spent", "returned")),
    expired: 0 - total(of("expired")),
    takenBack: 0 - total(of("taken_back")),
    repaid: 0 - total(of("repaid")),
    closing: opening + total(moved),
  };
}

async function movedIn(
  tx: Tx,
  ctx: TenantCtx,
  { unit, from, until }: { unit: string; from: string; until: string },
): Promise<Moved[]> {
  const kind = sql<
    string | null
  >`case when ${entries.operation} = 'grant' then ${entries.properties} ->> 'kind' end`;
  return tx
    .select({
      operation: entries.operation,
      kind,
      units: sql<number>`sum(${movementOf(unit)})`.mapWith(Number),
    })
    .from(entries)
    .where(and(movedEntries(ctx, unit, from), lt(entries.id, until)))
    .groupBy(sql`1, 2`)
    .orderBy(sql`1, 2`);
}

/** null before the tenant's first month, and where the entries were archived. */
async function monthBefore(
  tx: Tx,
  ctx: TenantCtx,
  startsAt: Date,
  begins: Date | null,
): Promise<string | null> {
  const { timeZone } = ctx.tenant;
  const [tenant] = await tx
    .select({ createdAt: tenants.createdAt })
    .from(tenants)
    .where(eq(tenants.tenantId, ctx.tenant.id));
  const before = dayStartsAt(dayOf(startsAt, timeZone), timeZone, { months: -1 });
  const known = tenant!.createdAt < startsAt && (begins === null || begins <= before);
  return known ? monthOf(before, timeZone) : null;
}

function monthOf(at: Date, timeZone: string): string {
  return dayOf(at, timeZone).slice(0, 7);
}
