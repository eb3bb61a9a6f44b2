import { newId } from "@/lib/ids";
import type { TenantCtx } from "@/server/context";
import { archiveEntries } from "@/server/ledger/archive";
import type { Scene } from "./scene";

const LOT = 1_000_000;

export interface Filling {
  /** Draws of credits, each a row of the history. */
  rows: number;
  /** Draws of the allowance in between, which the history has to pass over. */
  plain: number;
  /** Up to the running one. */
  liveMonths: number;
  /** Before them, with as many rows again, to be archived. */
  archivedMonths: number;
}

/** A lot, and draws of it at even distances with draws of the allowance between them. */
export async function fill({ owner }: Scene, tenantId: string, filling: Filling): Promise<void> {
  const { rows, plain, liveMonths, archivedMonths } = filling;
  const lotId = newId("lot", new Date());
  const drawn = archivedMonths > 0 ? 2 * rows : rows;
  await owner`update tenants set created_at = now() - interval '2 years' where tenant_id = ${tenantId}`;
  await owner`insert into lots (tenant_id, id, unit, kind, granted, remaining, starts_at, priority, source, created_at)
    values (${tenantId}, ${lotId}, 'credits', 'purchase', ${LOT}, ${LOT - drawn}, now() - interval '1 year', 60, 'bench:1', now() - interval '1 year')`;
  const live = owner`ledger_month(now(), ${1 - liveMonths})`;
  const start = owner`ledger_month(now(), ${1 - liveMonths - archivedMonths})`;
  await owner`insert into entries (tenant_id, id, idempotency_key, operation, feature, units, actor, properties, created_at)
    select ${tenantId}, 'ent_' || ledger_time_code(${start}) || repeat('0', 16), 'grant:bench:1', 'grant', 'credits', ${LOT}::bigint, 'system:bench',
           jsonb_build_object('lotId', ${lotId}::text, 'kind', 'purchase'), ${start}`;
  const draws = (
    count: number,
    credits: 0 | 1,
    [from, to]: [typeof live, typeof live],
    mark: string,
  ) => owner`
    with draw as (select n, ${from} + (${to} - ${from}) * n / ${count + 1} as at from generate_series(1, ${count}) n)
    insert into entries (tenant_id, id, operation, feature, units, allowance_units, credits, beyond_units, lot_ids, lot_draws, actor, created_at)
    select ${tenantId}, 'ent_' || ledger_time_code(at) || ${mark} || lpad(to_hex(n), 14, '0'), 'consume', 'compute', 1, ${1 - credits}::bigint, ${credits}::bigint, ${credits}::bigint,
           case when ${credits} = 1 then array[${lotId}::text] end, case when ${credits} = 1 then array[1::bigint] end, 'api_key:bench', at
    from draw`;
  await draws(rows, 1, [live, owner`now()`], "c0");
  await draws(plain, 0, [live, owner`now()`], "p0");
  if (archivedMonths > 0) await draws(rows, 1, [start, live], "c1");
}

/** Everything before the last `liveMonths` goes to the archive. @returns how many tables went */
export async function archive(scene: Scene, ctx: TenantCtx, liveMonths: number): Promise<number> {
  const [row] =
    await scene.owner`select to_char(ledger_month(now(), ${1 - liveMonths}) at time zone 'UTC', 'YYYY-MM') as month`;
  const gone = await archiveEntries({ ownerUrl: scene.ownerUrl, before: String(row!.month), now: ctx.now() });
  return gone.length;
}
