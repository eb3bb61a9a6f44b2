import { drizzle, type PostgresJsDatabase } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { guardClient } from "./guard";

export type Orm = PostgresJsDatabase<Record<string, never>>;
export type Tx = Parameters<Parameters<Orm["transaction"]>[0]>[0];

export interface Database {
  /** Drizzle on the guarded pool. Tenant rows only through `inTenant`; alone, for global tables. */
  orm: Orm;
  /** Connections of the quota gate's own, so that busy product transactions never starve it. */
  gate: postgres.Sql;
  close(): Promise<void>;
}

/** Two lanes, three who wait for a row (ledger/lanes.ts), and one for checks. They are opened as they are needed: two, mostly. */
const GATE_CONNECTIONS = 6;

export interface DatabaseOptions {
  poolSize?: number;
  gateConnections?: number;
  /** false behind a transaction pooler (pgbouncer, Neon's or Supabase's pooler): costs one parse per call. */
  prepare?: boolean;
  /** Goes around each client before anything else does: failpoints and schedulers of the tests. */
  wrap?: (client: postgres.Sql) => postgres.Sql;
}

/** Opens the app's connections. `max_pipeline` stays at postgres.js's default: lowering it loses acknowledged rows. */
export function openDatabase(url: string, options: DatabaseOptions = {}): Database {
  const shared = {
    prepare: options.prepare ?? true,
    connect_timeout: 2,
    onnotice: () => {},
    fetch_types: false,
  };
  const { wrap = (client: postgres.Sql) => client } = options;
  const pool = wrap(postgres(url, { ...shared, max: options.poolSize ?? 10 }));
  const gate = wrap(postgres(url, { ...shared, max: options.gateConnections ?? GATE_CONNECTIONS }));
  return {
    orm: drizzle(guardClient(pool), { casing: "snake_case" }),
    gate,
    close: async () => {
      await Promise.all([pool.end({ timeout: 5 }), gate.end({ timeout: 5 })]);
    },
  };
}
