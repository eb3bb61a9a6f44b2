import type postgres from "postgres";

const ms = (column: string) => `extract(epoch from ${column}) * 1000`;
const names = `(select coalesce(json_agg(json_build_array(split_part(l.source, 'ent_', 1), q.units) order by q.at), '[]')
  from unnest(e.lot_ids, e.lot_draws) with ordinality q(id, units, at) join lots l on l.tenant_id = e.tenant_id and l.id = q.id)`;

/** All that one tenant's calls have left behind, without ids: two tenants with the same story lived the same. */
const STORY = `select json_build_object(
  'meters', (select json_agg(json_build_array(feature, plan_version, allowance, granted, used, beyond, over, ${ms("window_starts_at")}, ${ms("window_ends_at")},
      ${ms("carried_from")}, ${ms("override_ends_at")}, spend_cap_minor, blocked_reason, alerted) order by feature) from meters where tenant_id = $1),
  'lots', (select json_agg(json_build_array(split_part(source, 'ent_', 1), unit, granted, remaining, ${ms("expires_at")}, closed_at is null) order by source) from lots where tenant_id = $1),
  'holds', (select json_agg(json_build_array(feature, units, status, ${ms("expires_at")}) order by created_at, feature, units) from holds where tenant_id = $1),
  'leases', (select json_agg(json_build_array(idempotency_key, ${ms("expires_at")}, ended_because) order by idempotency_key) from leases where tenant_id = $1),
  'overrides', (select json_agg(json_build_array(feature, "limit") order by feature) from overrides where tenant_id = $1 and ended_at is null),
  'keys', (select json_agg(key order by key) from idempotency_keys where tenant_id = $1),
  'told', (select json_agg(fact order by fact) from outbox where tenant_id = $1),
  'made', (select count(*) from audit_events where tenant_id = $1 and action = 'product.made'),
  'entries', (select json_agg(line order by line::text) from (select json_build_array(operation, feature, units, allowance_units, lot_units, credits, beyond_units,
      over_units, uncharged_units, used_after, granted_after, ${ms("window_starts_at")}, crossed, ${names}, ${ms("created_at")}) as line
      from entries e where tenant_id = $1) q)
) as story`;

export type Story = Record<string, unknown>;

export async function storyOf(owner: postgres.Sql, tenantId: string): Promise<Story> {
  const [row] = await owner.unsafe<{ story: Story }[]>(STORY, [tenantId]);
  return row!.story;
}
