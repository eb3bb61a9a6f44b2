import type { TenantCtx } from "@/server/context";
import type { Stage } from "../stage";
import type { Names } from "./names";
import type { State } from "./state";

interface Row {
  source: string;
  granted: string;
  spent: string;
  repaid: string;
  remaining: string;
  written_off: string;
  expires_at: Date | null;
  owes: string;
  outstanding: string;
}

/**
 * What must hold of any history, asked of the database's entries and not of the model's rules: nobody has used or has left
 * more of a lot than was paid for it, but for what is declared as owed; what expires never lasts.
 */
export async function breachesOf(session: {
  stage: Stage;
  ctx: TenantCtx;
  names: Names;
  state: State;
}): Promise<string[]> {
  const { stage, ctx, state, names } = session;
  const rows = await stage.owner.unsafe<Row[]>(
    `with drawn as (
      select q.id, sum(q.n) as spent from entries e, unnest(e.lot_ids, e.lot_draws) q(id, n)
      where e.tenant_id = $1 and e.operation in ('consume', 'hold', 'commit', 'release', 'refund') group by 1)
     select l.source, l.granted, coalesce(d.spent, 0) as spent, l.repaid, l.remaining, l.written_off, l.expires_at,
       coalesce(b.amount, 0) as owes, coalesce(b.outstanding, 0) as outstanding
     from lots l left join drawn d on d.id = l.id left join debts b on b.tenant_id = l.tenant_id and b.lot_id = l.id where l.tenant_id = $1`,
    [ctx.tenant.id],
    { prepare: true },
  );
  const laundered = await stage.owner.unsafe<{ root: string; source: string; n: string }[]>(
    `select coalesce(e.parent_id, e.id) as root, l.source, sum(q.n) as n
     from entries e, unnest(e.lot_ids, e.lot_draws) q(id, n), lots l
     where e.tenant_id = $1 and l.tenant_id = $1 and l.id = q.id and e.operation in ('consume', 'hold', 'commit', 'release', 'refund')
     group by 1, 2 having sum(q.n) < 0`,
    [ctx.tenant.id],
    { prepare: true },
  );
  const targets = new Map(state.lots.map(({ source, target }) => [names.sourceOf(source), target]));
  const nowMs = ctx.now().getTime();
  const each = rows.flatMap((row) => ofLot(row, targets.get(row.source) ?? 0, nowMs));
  const sum = (key: "spent" | "outstanding" | "repaid" | "owes") =>
    rows.reduce((total, row) => total + Number(row[key]), 0);
  const paidFor = rows.reduce(
    (total, row) => total + Number(row.granted) - (targets.get(row.source) ?? 0),
    0,
  );
  const free = sum("spent") - paidFor - sum("outstanding");
  return [
    ...each,
    ...laundered.map(({ root, source, n }) => `${root} gave ${source} ${-Number(n)} more than it drew of it`),
    ...(free > 0 ? [`spent and neither paid for nor owed: ${free} units`] : []),
    ...(sum("owes") - sum("outstanding") === sum("repaid") ? [] : ["debts were paid by nobody"]),
  ];
}

function ofLot(row: Row, target: number, nowMs: number): string[] {
  const [spent, repaid, remaining] = [Number(row.spent), Number(row.repaid), Number(row.remaining)];
  const paidFor = Number(row.granted) - target;
  const over = row.expires_at !== null && row.expires_at.getTime() <= nowMs;
  const breaches = [
    remaining > 0 && spent + repaid + remaining > paidFor && "has more than was paid for",
    spent + repaid - paidFor > Number(row.owes) && "gave more than was paid for, and nobody owes it",
    over && remaining > 0 && "is over and still has something",
    !over && Number(row.written_off) > 0 && "is not over and was written off",
  ];
  return breaches.flatMap((breach) => (breach ? [`${row.source} ${breach}`] : []));
}
