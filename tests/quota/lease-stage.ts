import { world } from "@tests/support/world";
import { definePriceList } from "@/lib/price-list";
import type { TenantCtx } from "@/server/context";
import { entitle } from "@/server/entitlements/entitle";
import { ensurePlanVersions } from "@/server/plans/service";
import type { AcquireLeaseInput } from "@/server/quota/inputs";
import { acquireLease } from "@/server/quota/leases";

const prices = definePriceList({
  currency: "usd",
  features: {
    sessions: { kind: "lease", name: "Sessions", unit: "session", heartbeatSeconds: 60 },
    gpus: { kind: "lease", name: "GPUs", unit: "GPU", heartbeatSeconds: 30 },
    hours: { kind: "meter", name: "Hours", window: "month", align: "calendar", overflow: { to: "deny" } },
  },
  plans: [
    {
      id: "free",
      name: "Free",
      tagline: "",
      price: { kind: "free" },
      limits: { sessions: 2, gpus: 0, hours: 10 },
    },
    {
      id: "pro",
      name: "Pro",
      tagline: "",
      price: { kind: "recurring", monthlyMinor: 3_000, annualMinor: null },
      limits: { sessions: 5, gpus: "unlimited", hours: 10 },
    },
  ],
  packs: [],
  defaultPlan: "free",
});

/** A business that lets things run, so many at once. */
export async function leaseStage() {
  const stage = await world({ prices });
  const { owner, clock } = stage;
  let asked = 0;
  /** Each call with a key of its own, unless it names one. */
  const acquire = (of: TenantCtx, input: Partial<AcquireLeaseInput> = {}) => {
    asked += 1;
    return acquireLease(of, { feature: "sessions", key: `work-${asked}`, ...input });
  };
  /** @throws when it is denied */
  const start = async (of: TenantCtx, input: Partial<AcquireLeaseInput> = {}) => {
    const lease = await acquire(of, input);
    if (!lease.allowed) throw new Error(lease.message);
    return lease;
  };
  const rows = (of: TenantCtx) =>
    owner`select id, ended_at, ended_because, expires_at from leases where tenant_id = ${of.tenant.id} order by id`;
  /** That many seconds from now. */
  const at = (seconds: number) => new Date(clock.now().getTime() + seconds * 1_000);
  const putOn = async (of: TenantCtx, plan: string) =>
    entitle(of, { planVersionId: (await ensurePlanVersions(of)).get(plan)!.id, source: "subscription" });
  return { ...stage, acquire, start, rows, at, putOn };
}
