import type postgres from "postgres";
import { difference } from "../model/compare";
import { left, outstanding, owes } from "./lots";
import type { Names } from "./names";
import type { State } from "./state";

const MS = (column: string) => `(extract(epoch from ${column}) * 1000)::bigint`;
const SNAPSHOT = `select json_build_object(
  'lots', (select coalesce(json_object_agg(source, json_build_object('kind', kind, 'granted', granted, 'left', remaining + written_off, 'takenBack', taken_back,
      'repaid', repaid, 'spent', granted - remaining - written_off - taken_back - repaid, 'startsAtMs', ${MS("starts_at")}, 'expiresAtMs', ${MS("expires_at")})), '{}')
    from lots where tenant_id = $1),
  'debts', (select coalesce(json_object_agg(l.source, json_build_object('amount', d.amount, 'outstanding', d.outstanding, 'sinceMs', case when d.outstanding > 0 then ${MS("d.created_at")} end)), '{}')
    from debts d join lots l on l.tenant_id = d.tenant_id and l.id = d.lot_id where d.tenant_id = $1 and d.amount > 0),
  'byId', json_build_object('lots', (select coalesce(json_agg(source order by id), '[]') from lots where tenant_id = $1),
      'debts', (select coalesce(json_agg(l.source order by d.id), '[]') from debts d join lots l on l.tenant_id = d.tenant_id and l.id = d.lot_id where d.tenant_id = $1),
      'payers', (select coalesce(json_agg(source order by last_id), '[]') from (select l.source, max(e.id) as last_id
        from entries e, unnest(e.lot_ids, e.lot_draws) q(id, n), lots l
        where e.tenant_id = $1 and l.tenant_id = $1 and l.id = q.id and e.operation = 'repay' and q.n > 0 group by 1) p)),
  'draws', (select coalesce(json_object_agg(root, by_lot), '{}') from (select root, json_object_agg(source, n) as by_lot from (
      select coalesce(e.parent_id, e.id) as root, l.source, sum(q.n) as n from entries e, unnest(e.lot_ids, e.lot_draws) q(id, n), lots l
      where e.tenant_id = $1 and l.tenant_id = $1 and l.id = q.id and e.operation in ('consume', 'hold', 'commit', 'release', 'refund')
      group by 1, 2 having sum(q.n) <> 0) one group by 1) all_of_them),
  'holds', (select coalesce(json_object_agg(id, json_build_object('units', units, 'status', status)), '{}') from holds where tenant_id = $1),
  'orders', (select coalesce(json_object_agg(o.id, json_build_object('status', o.status, 'fulfilledAtMs', ${MS("o.fulfilled_at")}, 'totalMinor', o.total_minor,
      'daysBack', (select json_agg(l.days_taken_back order by l.line) from order_lines l where l.tenant_id = o.tenant_id and l.order_id = o.id))), '{}') from orders o where o.tenant_id = $1),
  'plan', (select json_build_object('plan', split_part(plan_version, '@', 1), 'source', source, 'endsAtMs', ${MS("ends_at")}) from tenant_plans where tenant_id = $1),
  'refill', (select json_build_object('units', units, 'every', every, 'startsAtMs', ${MS("period_starts_at")}, 'endsAtMs', ${MS("period_ends_at")}) from replenishments where tenant_id = $1),
  'told', json_build_object('blocked', exists (select from tenant_blocks where tenant_id = $1 and reason = 'debt'),
      'low', (select low_told_at is not null from credit_accounts where tenant_id = $1),
      'timesLow', (select count(*) from outbox where tenant_id = $1 and type = 'credits.low'))
) as state`;

type Rows = Record<string, unknown>;
type Compared = Record<"lots" | "draws" | "debts" | "holds" | "orders" | "plan" | "refill" | "told", Rows>;
export type Snapshot = Compared & { byId: State["byId"] };

/** Everything that is compared of a tenant, as the database has it. */
export async function takeSnapshot(stage: { owner: postgres.Sql }, tenantId: string): Promise<Snapshot> {
  const [row] = await stage.owner.unsafe<{ state: Snapshot }[]>(SNAPSHOT, [tenantId], { prepare: true });
  return row!.state;
}

/** Where the database is not what the model has. */
export function differences(found: Snapshot, state: State, names: Names): string[] {
  const named = <T>(of: Record<string, T>, shown: (one: T) => unknown) =>
    Object.fromEntries(Object.entries(of).map(([tag, one]) => [names.idOf(tag), shown(one)]));
  const sourceOf = (source: string) => names.sourceOf(source);
  const indebted = state.lots.filter((lot) => owes(lot) > 0);
  const expected: Compared = {
    lots: Object.fromEntries(
      state.lots.map((lot) => {
        const { source, kind, granted, takenBack, repaid, spent, startsAtMs, expiresAtMs } = lot;
        const row = { kind, granted, left: left(lot), takenBack, repaid, spent, startsAtMs, expiresAtMs };
        return [sourceOf(source), row];
      }),
    ),
    debts: Object.fromEntries(
      indebted.map((lot) => {
        const open = outstanding(lot);
        return [
          sourceOf(lot.source),
          { amount: owes(lot), outstanding: open, sinceMs: open > 0 ? lot.sinceMs : null },
        ];
      }),
    ),
    draws: named(
      Object.fromEntries(Object.entries(state.chains).filter(([, { draws }]) => draws.length > 0)),
      ({ draws }) => Object.fromEntries(draws.map(({ source, units }) => [sourceOf(source), units])),
    ),
    holds: named(state.holds, ({ units, status }) => ({ units, status })),
    orders: named(state.orders, ({ status, fulfilledAtMs, totalMinor, daysBack }) => ({
      status,
      fulfilledAtMs,
      totalMinor,
      daysBack,
    })),
    plan: state.plan,
    refill: state.refill
      ? {
          units: state.refill.units,
          every: state.refill.every,
          startsAtMs: state.refill.startsAtMs,
          endsAtMs: state.refill.endsAtMs,
        }
      : {},
    told: { blocked: state.blocked, low: state.low, timesLow: state.timesLow },
  };
  return (Object.keys(expected) as (keyof Compared)[]).flatMap((part) => [
    ...difference(found[part], expected[part], part),
    ...(["lots", "draws", "debts", "holds", "orders"].includes(part)
      ? Object.keys(found[part])
          .filter((name) => !(name in expected[part]))
          .map((name) => `${part}: the engine has ${name} too`)
      : []),
  ]);
}
