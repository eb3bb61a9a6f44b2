import { eq } from "drizzle-orm";
import { newId } from "@/lib/ids";
import { createTenant } from "@/server/accounts/service";
import { users } from "@/server/accounts/tables";
import { type Ctx, createCtx, type TenantCtx } from "@/server/context";
import { grantCredits } from "@/server/credits/grant-credits";
import { entitleDefault } from "@/server/entitlements/entitle";
import { consume } from "@/server/quota/consume";
import { runtime } from "@/server/runtime";
import { loadRunningEnvironment } from "./dev/files";

loadRunningEnvironment();

/** The cast: the same few tenants in the demo data, the tests, the docs and the screenshots. */
const CAST = [
  { name: "Ada", workspace: "Ada's Atelier", plot: newcomer },
  { name: "Bo", workspace: "Bo's Bakery", plot: atTheLimit },
  { name: "Cleo", workspace: "Cleo's Clinic", plot: livesOnCredits },
] as const;

/** `npm run dev` runs this: three tenants with a plot, once. Sign in as ada@example.com, bo@… or cleo@…. */
async function seed(ctx: Ctx): Promise<number> {
  let made = 0;
  for (const { name, workspace, plot } of CAST) {
    const email = `${name.toLowerCase()}@example.com`;
    const known = await ctx.db.orm.select().from(users).where(eq(users.email, email));
    if (known.length > 0) continue;
    const userId = newId("user", ctx.now());
    await ctx.db.orm.insert(users).values({ id: userId, email, name, createdAt: ctx.now() });
    const owner: Ctx = { ...ctx, actor: { kind: "user", userId } };
    const tenant = await createTenant(owner, { name: workspace, ownerUserId: userId }, entitleDefault);
    await plot({ ...owner, tenant });
    made += 1;
  }
  return made;
}

/** Has looked around, and little more. */
async function newcomer(ctx: TenantCtx): Promise<void> {
  await consume(ctx, { feature: "messages", units: 120 });
  await consume(ctx, { feature: "compute", units: 12 });
}

/** Compute is used up and messages nearly: the upgrade prompt shows on the first click. */
async function atTheLimit(ctx: TenantCtx): Promise<void> {
  await consume(ctx, { feature: "compute", units: 100 });
  await consume(ctx, { feature: "messages", units: 8_200 });
}

/** Past the allowance, on promotional and compensation credits. */
async function livesOnCredits(ctx: TenantCtx): Promise<void> {
  const inTwoWeeks = new Date(ctx.now().getTime() + 14 * 86_400_000);
  await grantCredits(ctx, { amount: 40, kind: "promo", source: "seed:welcome", expiresAt: inTwoWeeks });
  await grantCredits(ctx, { amount: 200, kind: "compensation", source: "seed:outage" });
  await consume(ctx, { feature: "compute", units: 115 });
}

const ctx = createCtx(runtime(), { kind: "system", reason: "seed" });
const made = await seed(ctx);
await ctx.db.close();
console.log(
  made === 0
    ? "there already"
    : `${made} tenants: sign in as ada@example.com, bo@example.com or cleo@example.com`,
);
