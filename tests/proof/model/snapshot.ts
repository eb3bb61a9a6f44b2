import type postgres from "postgres";
import { difference } from "./compare";
import type { State } from "./state";

const MS = (column: string) => `(extract(epoch from ${column}) * 1000)::bigint`;
const SNAPSHOT = `select json_build_object(
  'meters', (select json_object_agg(feature, json_build_object('feature', feature, 'timeZone', time_zone, 'kind', kind, 'plan', split_part(plan_version, '@', 1), 'allowance', allowance,
      'planAllowance', plan_allowance, 'overrideEndsAtMs', ${MS("override_ends_at")}, 'granted', granted, 'used', used, 'beyond', beyond, 'over', over,
      'startsAtMs', ${MS("window_starts_at")}, 'endsAtMs', ${MS("window_ends_at")}, 'carriedFromMs', ${MS("carried_from")}, 'overflow', overflow,
      'onLimit', on_limit, 'spendCapMinor', spend_cap_minor, 'requestCap', request_cap, 'windowCap', window_cap, 'blocked', blocked_reason, 'alerted', alerted))
    from meters where tenant_id = $1),
  'lots', (select coalesce(json_object_agg(source, json_build_object('unit', unit, 'granted', granted, 'remaining', remaining, 'priority', priority,
      'startsAtMs', ${MS("starts_at")}, 'expiresAtMs', ${MS("expires_at")})), '{}') from lots where tenant_id = $1),
  'holds', (select coalesce(json_object_agg(id, json_build_object('feature', feature, 'units', units, 'status', status, 'overflow', overflow, 'expiresAtMs', ${MS("expires_at")})), '{}')
    from holds where tenant_id = $1),
  'leases', (select coalesce(json_object_agg(id, json_build_object('feature', feature, 'heartbeatAtMs', ${MS("heartbeat_at")}, 'expiresAtMs', ${MS("expires_at")},
      'ended', ended_because)), '{}') from leases where tenant_id = $1)
) as state`;

export type Snapshot = Record<"meters" | "lots" | "holds" | "leases", Record<string, unknown>>;

/** Every balance of a tenant as the database has it. */
export async function takeSnapshot(stage: { owner: postgres.Sql }, tenantId: string): Promise<Snapshot> {
  const [row] = await stage.owner.unsafe<{ state: Snapshot }[]>(SNAPSHOT, [tenantId], { prepare: true });
  return row!.state;
}

const sourceOf = (source: string, names: { idOf(tag: string): string }) =>
  source.replace(/^refund:(.+)$/, (_, tag) => `refund:${names.idOf(tag)}`);

/** Where a balance, window, lot, hold or lease is not what the model has. */
export function differences(found: Snapshot, state: State, names: { idOf(tag: string): string }): string[] {
  const expected: Snapshot = {
    meters: Object.fromEntries(
      Object.entries(state.meters).map(([feature, { window, rollover, cost, perUnits, ...meter }]) => [
        feature,
        meter,
      ]),
    ),
    lots: Object.fromEntries(state.lots.map(({ source, order, ...lot }) => [sourceOf(source, names), lot])),
    holds: Object.fromEntries(
      Object.values(state.holds).map(({ tag, settledBy, actual, ...hold }) => [names.idOf(tag), hold]),
    ),
    leases: Object.fromEntries(
      Object.values(state.leases).map(({ tag, key, ...lease }) => [names.idOf(tag), lease]),
    ),
  };
  return (Object.keys(expected) as (keyof Snapshot)[]).flatMap((part) => [
    ...difference(found[part], expected[part], part),
    ...Object.keys(found[part])
      .filter((name) => !(name in expected[part]))
      .map((name) => `${part}: the engine has ${name} too`),
  ]);
}
