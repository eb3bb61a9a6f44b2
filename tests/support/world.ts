import Stripe from "stripe";
import { afterEach, expect } from "vitest";
import { prices as tollgatePrices } from "@/config/plans";
import { derivedKeys } from "@/lib/derived-keys";
import { newId } from "@/lib/ids";
import type { PriceList } from "@/lib/price-list";
import { createTenant } from "@/server/accounts/service";
import { users } from "@/server/accounts/tables";
import { type Ctx, createCtx, type Runtime, type TenantCtx } from "@/server/context";
import { entitleDefault } from "@/server/entitlements/entitle";
import { verifyBooks } from "@/server/ledger/books";
import { sweepHolds } from "@/server/quota/jobs";
import { sweepLeases } from "@/server/quota/leases";
import { TestClock } from "./clock";
import { type TestDatabase, testDatabase } from "./database";

export interface World extends TestDatabase {
  runtime: Runtime;
  clock: TestClock;
  /** Acts as the system, without a tenant. */
  ctx: Ctx;
  /** A new tenant with its owner, on the default plan. Names come from the cast: ada, bo, cleo, dan. */
  tenant(name: string, timeZone?: string): Promise<TenantCtx>;
}

export interface WorldOptions {
  prices?: PriceList;
  start?: string;
  stripe?: Stripe;
  poolSize?: number;
}

/** Nobody listens on it: a test that needs Stripe brings a simulator. */
const NOWHERE = { host: "127.0.0.1", port: 1, protocol: "http" as const };

/** A database, a clock that stands still, and a business of this test file's own. The books are checked after every test. */
export async function world(options: WorldOptions = {}): Promise<World> {
  const database = await testDatabase({ poolSize: options.poolSize });
  const clock = new TestClock(options.start);
  const runtime: Runtime = {
    db: database.db,
    now: clock.now,
    prices: options.prices ?? tollgatePrices,
    stripe: options.stripe ?? new Stripe("sk_test_sim_nobody", { ...NOWHERE, maxNetworkRetries: 0 }),
    appUrl: "http://app.test",
    keyFor: derivedKeys("a secret of the tests' own, of 40 characters"),
    clientAddressHeader: "x-forwarded-for",
  };
  const ctx = createCtx(runtime, { kind: "system", reason: "test" });
  afterEach(async () => {
    await sweepHolds(ctx);
    await sweepLeases(ctx);
    expect(await verifyBooks(ctx)).toEqual([]);
  });
  return { ...database, runtime, clock, ctx, tenant: (name, timeZone) => newTenant(ctx, name, timeZone) };
}

/** A tenant with its owner, on the default plan. */
export async function newTenant(ctx: Ctx, name: string, timeZone = "UTC"): Promise<TenantCtx> {
  const userId = newId("user", ctx.now());
  await ctx.db.orm
    .insert(users)
    .values({ id: userId, email: `${userId}@${name}.test`, name, createdAt: ctx.now() });
  const asOwner = { ...ctx, actor: { kind: "user" as const, userId } };
  const tenant = await createTenant(asOwner, { name, ownerUserId: userId, timeZone }, entitleDefault);
  return { ...asOwner, tenant };
}
