import type postgres from "postgres";

/** Kept as they are: what no story changes, and what holds the checkpoints themselves. */
const STATIC = /^(__drizzle_migrations|plan_versions|stripe_prices)$/;

/** Everything a database holds at some moments of a story, to go back to quickly, in one statement. */
export class Checkpoints {
  private constructor(private readonly owner: postgres.Sql) {}

  static async of(owner: postgres.Sql): Promise<Checkpoints> {
    const tables = await owner<{ name: string; columns: string }[]>`
      select c.relname as name, string_agg(quote_ident(a.attname), ', ' order by a.attnum) as columns
      from pg_class c join pg_attribute a on a.attrelid = c.oid
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
        and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
      group by c.relname order by c.relname`;
    const own = tables.filter(({ name }) => !STATIC.test(name));
    await owner.unsafe(`
      create schema checkpoints;
      create table checkpoints.saved (checkpoint int, name text, rows jsonb, primary key (checkpoint, name));
      create function checkpoints.save(which int) returns void language plpgsql as $$ begin
        ${own.map(({ name }) => `insert into checkpoints.saved select which, '${name}', coalesce(jsonb_agg(to_jsonb(t)), '[]') from public.${name} t;`).join("\n")}
      end $$;
      create function checkpoints.restore(which int) returns void language plpgsql
      set session_replication_role = replica as $$ begin
        ${own
          .map(
            ({ name, columns }) => `
        delete from public.${name};
        insert into public.${name} (${columns}) select ${columns} from jsonb_populate_recordset(
          null::public.${name}, (select rows from checkpoints.saved where checkpoint = which and name = '${name}'));`,
          )
          .join("\n")}
      end $$;`);
    return new Checkpoints(owner);
  }

  async save(checkpoint: number): Promise<void> {
    await this.owner`select checkpoints.save(${checkpoint})`;
  }

  async restore(checkpoint: number): Promise<void> {
    await this.owner`select checkpoints.restore(${checkpoint})`;
  }
}
