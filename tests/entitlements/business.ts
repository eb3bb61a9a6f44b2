import type { Feature, Plan, PriceList } from "@/lib/price-list";
import type { Ctx, TenantCtx } from "@/server/context";
import { entitle } from "@/server/entitlements/entitle";
import { ensurePlanVersions } from "@/server/plans/service";
import { status } from "@/server/quota/status";

type Terms = Plan["limits"] | Pick<Plan, "limits" | "caps" | "weights">;

const isFull = (terms: Terms): terms is Pick<Plan, "limits" | "caps" | "weights"> => "limits" in terms;

/** A business of these features: the first plan is free and the default, the others cost more and more. */
export function business(features: Record<string, Feature>, plans: Record<string, Terms>): PriceList {
  const ids = Object.keys(plans);
  return {
    currency: "usd",
    features,
    plans: ids.map((id, at) => ({
      id,
      name: id,
      tagline: "",
      price: at === 0 ? { kind: "free" } : { kind: "recurring", monthlyMinor: 1_000 * at, annualMinor: null },
      ...(isFull(plans[id]!) ? plans[id] : { limits: plans[id]! as Plan["limits"] }),
    })),
    packs: [],
    defaultPlan: ids[0]!,
  };
}

export const meterOf = (
  more: Partial<Extract<Feature, { kind: "meter" }>> = {},
): Extract<Feature, { kind: "meter" }> =>
  ({
    kind: "meter",
    name: "Meter",
    window: "month",
    align: "anchored",
    overflow: { to: "deny" },
    ...more,
  }) as Extract<Feature, { kind: "meter" }>;

export const DAY_MS = 86_400_000;

/** The current version of a plan of `ctx.prices`. */
export async function versionOf(ctx: Ctx, plan: string): Promise<string> {
  return (await ensurePlanVersions(ctx)).get(plan)!.id;
}

/** As billing puts a tenant on a plan. */
export async function subscribe(
  ctx: TenantCtx,
  plan: string,
  terms: { anchorAt?: Date; interval?: "month" | "year" } = {},
): Promise<void> {
  await entitle(ctx, { planVersionId: await versionOf(ctx, plan), source: "subscription", ...terms });
}

export async function meterStatus(ctx: TenantCtx, feature: string) {
  return (await status(ctx)).meters.find((row) => row.feature === feature)!;
}
