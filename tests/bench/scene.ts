import { withLogin } from "@tests/support/urls";
import postgres from "postgres";
import { prices } from "@/config/plans";
import { provenTenantId } from "@/lib/ids";
import type { TenantRef } from "@/server/context";
import { type Database, openDatabase } from "@/server/db/client";
import { ensureDatabase } from "@/server/db/embedded";
import { migrate } from "@/server/db/migrate";
import { addHistory, addLots, addMeters, addRawTables } from "./populate";
import type { BenchServer } from "./server";

export interface Scene {
  db: Database;
  owner: postgres.Sql;
  ownerUrl: string;
  appUrl: string;
  /** The raw statement's own connections: 16, as many as gave it its best rate. */
  raw: postgres.Sql;
  tenants: number;
  close(): Promise<void>;
}

export interface SceneOptions {
  name: string;
  tenants: number;
  /** Credits to draw from: tenants 0 to n - 1 have a refilled lot, n to 2n - 1 purchased ones. */
  lots?: boolean;
  /** Entries of the past twelve months and this one. */
  history?: number;
}

/** A migrated database with tenants on an allowance that never ends, and whatever else is asked for. */
export async function openScene(server: BenchServer, options: SceneOptions): Promise<Scene> {
  const ownerUrl = await ensureDatabase(server.ownerUrl, options.name);
  const appUrl = withLogin(ownerUrl);
  await migrate({ ownerUrl, appUrl });
  const owner = postgres(ownerUrl, { max: 2, onnotice: () => {} });
  await addMeters(owner, options.tenants);
  await addRawTables(owner);
  if (options.lots) await addLots(owner, options.tenants);
  if (options.history) await addHistory(owner, options.tenants, options.history);
  await owner`vacuum analyze`;
  const db = openDatabase(appUrl);
  const raw = postgres(appUrl, { max: 16, fetch_types: false, onnotice: () => {} });
  const close = async () => {
    await Promise.all([db.close(), raw.end({ timeout: 5 }), owner.end({ timeout: 5 })]);
  };
  return { db, owner, ownerUrl, appUrl, raw, tenants: options.tenants, close };
}

export function benchTenant(index: number): TenantRef {
  return {
    id: provenTenantId(`ten_${String(index).padStart(26, "0")}`),
    slug: `bench-${index}`,
    timeZone: "UTC",
    role: "owner",
  };
}

export const benchPrices = prices;
