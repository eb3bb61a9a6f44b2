import type { TenantCtx } from "@/server/context";
import { grantCredits } from "@/server/credits/grant-credits";
import { inTenant } from "@/server/db/transaction";
import { block, unblock } from "@/server/entitlements/block";
import { entitle } from "@/server/entitlements/entitle";
import { endOverride, setOverride } from "@/server/entitlements/override";
import { setSpendCap } from "@/server/entitlements/spend-cap";
import { audit } from "@/server/events/service";
import { ensurePlanVersions } from "@/server/plans/service";
import { commit } from "@/server/quota/commit";
import { consume } from "@/server/quota/consume";
import { rollDue, sweepHolds } from "@/server/quota/jobs";
import { acquireLease, heartbeat, releaseLease, sweepLeases } from "@/server/quota/leases";
import { recount } from "@/server/quota/recount";
import { refund } from "@/server/quota/refund";
import { release } from "@/server/quota/release";
import { releaseHold } from "@/server/quota/release-hold";
import { reserve } from "@/server/quota/reserve";

export interface ScenarioStep {
  name: string;
  /** What its effect is done by, where that is not its first transaction. */
  effect: string;
  /** On the story's clock. */
  atMs: number;
  /** Takes the step, or finds that it was taken: by its key, its source, or because it converges. */
  run(ctx: TenantCtx): Promise<unknown>;
}

const START_MS = Date.parse("2026-03-02T09:00:00.000Z");
const HOUR_MS = 3_600_000;

/** Every verb, on every kind of meter and by every path through it, in one tenant's fortnight. */
export const scenario: ScenarioStep[] = [];
let atMs = START_MS;

function step(name: string, run: ScenarioStep["run"], effect = ""): void {
  scenario.push({ name, effect, atMs, run });
  atMs += 60_000;
}

const draw = (feature: string, units: number, key: string) => (ctx: TenantCtx) =>
  consume(ctx, { feature, units, key });
const hold = (feature: string, units: number, key: string, overflow: "reject" | "cap" | "overflow") => {
  const asked = { feature, units, key, overflow, expiresInSeconds: 900 };
  return async (ctx: TenantCtx) => {
    const held = await reserve(ctx, asked);
    if (!held.allowed) throw new Error(`${key} is denied`);
    return held.holdId;
  };
};
/** A process that came back knows its keys only: asking again finds what they made. */
const entryOf = async (ctx: TenantCtx, call: (ctx: TenantCtx) => ReturnType<typeof consume>) => {
  const receipt = await call(ctx);
  if (!receipt.allowed) throw new Error("denied");
  return receipt.entryId;
};

const first = draw("compute", 7, "first");
const crossing = draw("compute", 50, "crossing");
const [less, more, back, lost, late] = [
  hold("messages", 10, "less", "reject"),
  hold("calls", 25, "more", "overflow"),
  hold("compute", 4, "back", "cap"),
  hold("messages", 3, "lost", "reject"),
  hold("messages", 2, "late", "cap"),
];

const ALONE = "gate_consume_one";
step("consume within the allowance", first, ALONE);
step("grant of credits", (ctx) => grantCredits(ctx, { amount: 30, kind: "promo", source: "promo:1" }));
step("grant that expires", (ctx) =>
  grantCredits(ctx, {
    amount: 9,
    kind: "trial",
    source: "trial:1",
    expiresAt: new Date(START_MS + 30 * HOUR_MS),
  }),
);
step("consume past the allowance, with two lots and a threshold", crossing, ALONE);
step(
  "consume of costs on a shared meter",
  (ctx) => consume(ctx, { feature: "render", costs: { frames: 5, samples: 1 }, key: "render" }),
  ALONE,
);
step("a product's transaction", (ctx) =>
  inTenant(ctx, async (_tx, inner) => {
    const receipt = await consume(inner, { feature: "messages", units: 2, key: "product" });
    if (receipt.allowed && !receipt.replayed) await audit(inner, { action: "product.made" });
  }),
);
step("reserve", less);
step("commit of less", async (ctx) => commit(ctx, { holdId: await less(ctx), units: 6 }), "gate_commit");
step("reserve to go over", more);
step("commit of more", async (ctx) => commit(ctx, { holdId: await more(ctx), units: 40 }), "gate_commit");
step("reserve to give back", back);
step("release of a hold", async (ctx) => releaseHold(ctx, { holdId: await back(ctx) }), "gate_release_hold");
step("reserve to lose", lost);
step("reserve to be late", late);
step(
  "refund of a part",
  async (ctx) =>
    refund(ctx, { entryId: await entryOf(ctx, crossing), units: 5, key: "refund-part", reason: "asked" }),
  "gate_refund",
);
step("take of seats", draw("seats", 3, "seats"), ALONE);
step("release of a seat", (ctx) => release(ctx, { feature: "seats", units: 1, key: "seat-back" }));
step("recount of seats", (ctx) =>
  recount(ctx, { feature: "seats", reason: "counted", count: async () => 1 }),
);
const run = (ctx: TenantCtx, key: string) =>
  acquireLease(ctx, { feature: "runs", key, expiresInSeconds: 3_600 });
const leaseOf = async (ctx: TenantCtx, key: string) => {
  const lease = await run(ctx, key);
  if (!lease.allowed) throw new Error("denied");
  return { leaseId: lease.leaseId };
};
step("lease", (ctx) => run(ctx, "run"));
step("heartbeat", async (ctx) => heartbeat(ctx, await leaseOf(ctx, "run")), "update ");
step("release of a lease", async (ctx) => releaseLease(ctx, await leaseOf(ctx, "run")), "update ");
step("lease to lose", (ctx) => run(ctx, "lost"));
step("block", (ctx) => block(ctx, { reason: "past_due" }));
step("unblock", (ctx) => unblock(ctx, { reason: "past_due" }));
step("spend cap", (ctx) => setSpendCap(ctx, { feature: "calls", capMinor: 80 }));
step("overage", draw("calls", 4, "overage"), ALONE);
step("override", (ctx) =>
  setOverride(ctx, {
    feature: "messages",
    limit: 45,
    reason: "agreed",
    expiresAt: new Date(START_MS + 60 * HOUR_MS),
  }),
);
step("upgrade", async (ctx) => {
  const version = (await ensurePlanVersions(ctx)).get("pro")!;
  await entitle(ctx, {
    planVersionId: version.id,
    source: "subscription",
    anchorAt: new Date(START_MS + HOUR_MS),
  });
});
step("override of a lease", (ctx) =>
  setOverride(ctx, { feature: "runs", limit: 9, reason: "agreed", expiresAt: null }),
);
step("end of an override", (ctx) =>
  endOverride(ctx, { feature: "runs", reason: "over" }).catch((error: { code?: string }) => {
    if (error.code !== "NOT_FOUND") throw error;
  }),
);
atMs = START_MS + 26 * HOUR_MS;
step("sweep of holds", (ctx) => sweepHolds(ctx), "gate_sweep(");
step("sweep of leases", (ctx) => sweepLeases(ctx), "gate_sweep_leases");
step(
  "commit of a hold that is swept",
  async (ctx) => commit(ctx, { holdId: await late(ctx), units: 1 }),
  "gate_commit",
);
atMs = START_MS + 14 * 24 * HOUR_MS;
step("roll, with rollover, forfeit and an override that is over", (ctx) => rollDue(ctx), "gate_settle_due");
step(
  "refund of a closed window",
  async (ctx) =>
    refund(ctx, {
      entryId: await entryOf(ctx, first),
      key: "refund-all",
      reason: "asked",
      lapsed: "regrant",
    }),
  "gate_refund",
);
step("consume in the new window", draw("messages", 70, "rolled-over"), ALONE);
