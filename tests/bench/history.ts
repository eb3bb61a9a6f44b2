import { newId } from "@/lib/ids";
import type { TenantCtx } from "@/server/context";
import { type HistoryPage, history } from "@/server/credits/history";
import type { HistoryInput } from "@/server/credits/inputs";
import { statement } from "@/server/credits/statement";
import { archiveEntries } from "@/server/ledger/archive";
import { benchCtx } from "./contenders";
import { measure } from "./measure";
import { openScene, type Scene } from "./scene";
import { startServer } from "./server";

/** Of the tenant that is looked at, in live months; as many again lie in months that are archived. */
const ROWS = 10_000;
/** Draws of its allowance in between, which the history has to pass over, and rows of everybody else. */
const PLAIN = 40_000;
const OTHERS = 500_000;
const LIVE_MONTHS = 6;
const SECONDS = 4;
const LOT = 1_000_000;

/** How long a page of a long history takes, with archived months behind it: `npx tsx tests/bench/history.ts`. */
async function run(): Promise<void> {
  const server = await startServer();
  const scene = await openScene(server, { name: "bench_history", tenants: 1_000, history: OTHERS });
  try {
    const ctx = benchCtx(scene, 0);
    await fill(scene, ctx.tenant.id);
    await archive(scene, ctx);
    await scene.owner`vacuum analyze`;
    const cursors = await walk(ctx);
    const deep = cursors.at(-2);
    const from = new Date(ctx.now().getTime() - 60 * 86_400_000).toISOString().slice(0, 10);
    const asked: Record<string, HistoryInput> = {
      "first page": {},
      "last page": { cursor: deep },
      "one kind, of which there is one row": { group: "granted" },
      "some days, long ago": { to: from },
    };
    for (const [name, input] of Object.entries(asked))
      report(name, await measure(() => history(ctx, input), 1, SECONDS));
    const anyPage = (index: number) => history(ctx, { cursor: cursors[index % cursors.length] });
    report("any page, 1 at a time", await measure(anyPage, 1, SECONDS));
    report("any page, 8 at once", await measure(anyPage, 8, SECONDS));
    report("statement of the month", await measure(() => statement(ctx), 1, SECONDS));
    report(
      "1,000 rows, as the file reads them",
      await measure(() => history(ctx, { limit: 1_000 }), 1, SECONDS),
    );
  } finally {
    await scene.close();
    await server.stop();
  }
}

/** Twelve months of credits: a lot, and draws of it at even distances with draws of the allowance between them. */
async function fill({ owner }: Scene, tenantId: string): Promise<void> {
  const lotId = newId("lot", new Date());
  await owner`insert into lots (tenant_id, id, unit, kind, granted, remaining, starts_at, priority, source, created_at)
    values (${tenantId}, ${lotId}, 'credits', 'purchase', ${LOT}, ${LOT - 2 * ROWS}, now() - interval '1 year', 60, 'bench:1', now() - interval '1 year')`;
  const start = owner`ledger_month(now(), ${1 - 2 * LIVE_MONTHS})`;
  await owner`insert into entries (tenant_id, id, idempotency_key, operation, feature, units, actor, properties, created_at)
    select ${tenantId}, 'ent_' || ledger_time_code(${start}) || repeat('0', 16), 'grant:bench:1', 'grant', 'credits', ${LOT}::bigint, 'system:bench',
           jsonb_build_object('lotId', ${lotId}::text, 'kind', 'purchase'), ${start}`;
  for (const [rows, credits, half] of [
    [ROWS, 1, 0],
    [PLAIN, 0, 0],
    [ROWS, 1, 1],
  ] as const)
    await owner`
      with span as (select ledger_month(now(), ${1 - LIVE_MONTHS * (1 + half)}) as a, case when ${half} = 0 then now() else ledger_month(now(), ${1 - LIVE_MONTHS}) end as b),
      draw as (select n, a + (b - a) * n / ${rows + 1} as at from span, generate_series(1, ${rows}) n)
      insert into entries (tenant_id, id, operation, feature, units, allowance_units, credits, beyond_units, lot_ids, lot_draws, actor, created_at)
      select ${tenantId}, 'ent_' || ledger_time_code(at) || ${`c${credits}${half}`} || lpad(to_hex(n), 13, '0'), 'consume', 'compute', 1, ${1 - credits}::bigint, ${credits}::bigint, ${credits}::bigint,
             case when ${credits} = 1 then array[${lotId}::text] end, case when ${credits} = 1 then array[1::bigint] end, 'api_key:bench', at
      from draw`;
}

async function archive(scene: Scene, ctx: TenantCtx): Promise<void> {
  const [row] =
    await scene.owner`select to_char(ledger_month(now(), ${1 - LIVE_MONTHS}) at time zone 'UTC', 'YYYY-MM') as month`;
  const gone = await archiveEntries({ ownerUrl: scene.ownerUrl, before: String(row!.month), now: ctx.now() });
  console.log(`archived: ${gone.join(", ")}`);
}

/** Every cursor of the history, having seen that it adds up from the first row to the last. */
async function walk(ctx: TenantCtx): Promise<(string | undefined)[]> {
  const cursors: (string | undefined)[] = [];
  let page: HistoryPage | null = null;
  let rows = 0;
  do {
    const cursor: string | undefined = page?.nextCursor ?? undefined;
    cursors.push(cursor);
    page = await history(ctx, { cursor });
    rows += page.rows.length;
  } while (page.nextCursor !== null);
  const opening = page.rows.at(-1)!.balanceAfter - page.rows.at(-1)!.movement;
  if (opening !== page.broughtForward?.balance) throw new Error(`The history ends at ${opening}.`);
  console.log(`${rows} rows on ${cursors.length} pages, ${opening} brought forward`);
  return cursors;
}

function report(name: string, { p50Ms, p99Ms, calls }: Awaited<ReturnType<typeof measure>>): void {
  console.log(`${name.padEnd(38)} p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms (${calls} calls)`);
}

await run();
