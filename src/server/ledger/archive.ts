import postgres from "postgres";
import { AppError } from "../errors";

const MONTH = /^20\d\d-(0[1-9]|1[0-2])$/;
const SHOWN_OBSTACLES = 5;

export interface ArchiveOptions {
  /** The owner of the tables. */
  ownerUrl: string;
  /** `YYYY-MM`, UTC: entries from before this month go. */
  before: string;
  now: Date;
}

/**
 * Moves whole months of entries to the schema `archive`, where the owner can read, dump and drop them. What live rows need
 * stays, sums of the rest are brought forward, so the books balance as before; keys stay, so a replay is still one.
 * All or nothing, and safe to repeat. Returns the tables that went.
 * @throws AppError INVALID_INPUT for what is no month, CONFLICT naming what still needs the entries
 */
export async function archiveEntries({ ownerUrl, before, now }: ArchiveOptions): Promise<string[]> {
  if (!MONTH.test(before)) throw new AppError("INVALID_INPUT", `"${before}" is no month. It wants YYYY-MM.`);
  const month = `${before}-01T00:00:00.000Z`;
  const sql = postgres(ownerUrl, { max: 1, onnotice: () => {} });
  try {
    return await sql.begin(async (tx) => {
      // Two archivers take turns.
      await tx`select pg_advisory_xact_lock(hashtextextended('archive', 0))`;
      const obstacles = await tx`
        select * from ledger_archive_obstacles(${now}, ${month}) order by tenant_id nulls first, subject`;
      if (obstacles.length > 0) throw obstructed(obstacles);
      const [row] = await tx`select ledger_archive(${now}, ${month}) as tables`;
      return row!.tables as string[];
    });
  } finally {
    await sql.end({ timeout: 5 });
  }
}

function obstructed(obstacles: readonly postgres.Row[]): AppError {
  const shown = obstacles
    .slice(0, SHOWN_OBSTACLES)
    .map(
      ({ obstacle, tenant_id: tenant, subject }) => `${subject}${tenant ? ` of ${tenant}` : ""}: ${obstacle}`,
    );
  const more = obstacles.length - shown.length;
  const lines = more > 0 ? [...shown, `and ${more} more`] : shown;
  return new AppError("CONFLICT", `Nothing was archived.\n  ${lines.join("\n  ")}`);
}
