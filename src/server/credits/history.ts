import { and, desc, inArray, lt, type SQL, sql } from "drizzle-orm";
import { firstId } from "@/lib/ids";
import { dayStartsAt } from "@/lib/time";
import type { TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { inTenant } from "../db/transaction";
import { entries } from "../ledger/tables";
import { parseInput } from "../parse";
import { type HistoryInput, historyInput } from "./inputs";
import { historyBegins, leftInLots, movedEntries, movementOf } from "./movement";
import { groupOf, type MovementGroup, type Operation, operationsOf, readCursor, writeCursor } from "./rules";
import { settleCredits } from "./settle-credits";

export interface Movement {
  entryId: string;
  operation: Operation;
  group: MovementGroup;
  /** What was used or given back: a meter, or "credits" for what moved lots only. */
  feature: string;
  /** In units of `feature`. */
  units: number;
  /** What came in (above 0) or went out (below 0), in the history's unit. */
  movement: number;
  /** Units that are owed from now on, because they were spent before they were taken back; below 0: no more. */
  owed: number;
  /** What was left in all lots right after. Rows that a filter hides count too. */
  balanceAfter: number;
  /** The kind of lot that was granted; null for everything else. */
  kind: string | null;
  /** The fact that made the lot (`order:…`, `promo:…`); null for everything else. */
  source: string | null;
  reason: string | null;
  actor: string;
  createdAt: Date;
}

export interface HistoryPage {
  unit: string;
  rows: Movement[];
  /** Give it back as `cursor` for the next page; null at the end. */
  nextCursor: string | null;
  /** At the end of a history whose older months were archived: when the rest begins, and the balance then. */
  broughtForward: { at: Date; balance: number } | null;
}

interface Span {
  /** Entries from here on, and up to but without `until`; null: to the end. */
  from: string;
  until: string | null;
}

/**
 * What came and went of a unit, newest first, with the balance after each row. It adds up: each balance is the one before it
 * plus its row's movement, hidden rows included, from page to page too, because a cursor carries the balance it stands at.
 * The newest one is what all lots have left. Settles first, like `balance`.
 * @throws AppError INVALID_INPUT
 */
export async function history(ctx: TenantCtx, input: HistoryInput = {}): Promise<HistoryPage> {
  const { unit, group, from, to, limit, ...rest } = parseInput(historyInput, input);
  const cursor = rest.cursor === undefined ? null : readCursor(rest.cursor);
  return inTenant(ctx, async (tx, inner) => {
    if (cursor === null) await settleCredits(inner);
    const begins = await historyBegins(tx, ctx);
    const { timeZone } = ctx.tenant;
    const asked = from === undefined ? "" : firstId("entry", dayStartsAt(from, timeZone));
    const span: Span = {
      from: asked > begins.id ? asked : begins.id,
      until: to === undefined ? null : firstId("entry", dayStartsAt(to, timeZone, { days: 1 })),
    };
    const found = await movedRows(tx, ctx, { unit, group, span, cursor, limit: limit + 1 });
    const rows = found.slice(0, limit).map(movementView);
    const last = rows.at(-1);
    const more = found.length > limit && last !== undefined;
    return {
      unit,
      rows,
      nextCursor: more ? writeCursor({ id: last.entryId, balance: last.balanceAfter - last.movement }) : null,
      broughtForward:
        more || begins.at === null || span.from !== begins.id
          ? null
          : {
              at: begins.at,
              balance: stoodBefore(last, group) ?? (await balanceAt(tx, ctx, unit, begins.id)),
            },
    };
  });
}

/** Nothing was there before the oldest row, unless a filter hides it: then null, and all rows are to be summed. */
function stoodBefore(oldest: Movement | undefined, group: MovementGroup | undefined): number | null {
  return oldest === undefined || group !== undefined ? null : oldest.balanceAfter - oldest.movement;
}

/** What all lots had left before the entry of that id was written, or would have been. */
export async function balanceAt(tx: Tx, ctx: TenantCtx, unit: string, id: string): Promise<number> {
  const [row] = await tx
    .select({ moved: sql<string>`coalesce(sum(${movementOf(unit)}), 0)`, left: leftInLots(ctx, unit) })
    .from(entries)
    .where(movedEntries(ctx, unit, id));
  return row!.left - Number(row!.moved);
}

interface Wanted {
  unit: string;
  group: MovementGroup | undefined;
  span: Span;
  cursor: { id: string; balance: number } | null;
  limit: number;
}

/**
 * One statement, and so one instant: what the lots have left, less what newer rows moved, is the balance after a row. The
 * page's rows are found first, along the index; only what lies between them and the cursor is then summed.
 */
async function movedRows(tx: Tx, ctx: TenantCtx, { unit, group, span, cursor, limit }: Wanted) {
  const movement = movementOf(unit);
  const anchor: SQL<number> = cursor ? sql<number>`${cursor.balance}::bigint` : leftInLots(ctx, unit);
  const below = cursor ? lt(entries.id, cursor.id) : undefined;
  const page = tx.$with("page").as(
    tx
      .select({ id: entries.id })
      .from(entries)
      .where(
        and(
          movedEntries(ctx, unit, span.from),
          below,
          group === undefined ? undefined : inArray(entries.operation, operationsOf(group)),
          span.until === null ? undefined : lt(entries.id, span.until),
        ),
      )
      .orderBy(desc(entries.id))
      .limit(limit),
  );
  const moved = tx
    .select({
      id: entries.id,
      operation: entries.operation,
      feature: entries.feature,
      units: entries.units,
      uncharged: entries.unchargedUnits,
      key: entries.idempotencyKey,
      reason: entries.reason,
      actor: entries.actor,
      kind: sql<string | null>`${entries.properties} ->> 'kind'`.as("kind"),
      createdAt: entries.createdAt,
      movement: movement.as("movement"),
      newer: sql<number>`sum(${movement}) over (order by ${entries.id} desc) - ${movement}`.as("newer"),
    })
    .from(entries)
    .where(and(movedEntries(ctx, unit, sql`(select min(id) from page)`), below))
    .as("moved");
  const { newer, ...columns } = moved._.selectedFields;
  return tx
    .with(page)
    .select({
      ...columns,
      movement: sql<number>`${moved.movement}`.mapWith(Number),
      balanceAfter: sql<number>`${anchor} - ${newer}`.mapWith(Number),
    })
    .from(moved)
    .where(inArray(moved.id, sql`(select id from page)`))
    .orderBy(desc(moved.id));
}

function movementView(row: Awaited<ReturnType<typeof movedRows>>[number]): Movement {
  const granted = row.operation === "grant";
  return {
    entryId: row.id,
    operation: row.operation,
    group: groupOf(row.operation),
    feature: row.feature,
    units: row.units,
    movement: row.movement,
    owed: row.operation === "revoke" ? row.uncharged : 0,
    balanceAfter: row.balanceAfter,
    kind: granted ? row.kind : null,
    source: granted ? (row.key?.replace(/^grant:/, "") ?? null) : null,
    reason: row.reason,
    actor: row.actor,
    createdAt: row.createdAt,
  };
}
