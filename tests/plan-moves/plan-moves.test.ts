import { expect, test } from "vitest";
import { changePlan } from "@/server/billing/change-plan";
import { cancelSubscription, resumeSubscription, undoChange } from "@/server/billing/end-subscription";
import { previewChange } from "@/server/billing/preview-change";
import type { TenantCtx } from "@/server/context";
import { inTenant } from "@/server/db/transaction";
import { entitle } from "@/server/entitlements/entitle";
import { setOverride } from "@/server/entitlements/override";
import { comingVersion } from "@/server/plan-moves/coming-version";
import { keepVersion, unkeepVersion } from "@/server/plan-moves/kept-version";
import { planMoveOf } from "@/server/plan-moves/list-plan-moves";
import { status } from "@/server/quota/status";
import { subscriptionOf } from "@/server/subscriptions/subscription";
import { syncCustomer } from "@/server/sync/sync";
import { mover } from "./mover";

const on = await mover();
const { tenant, ctx, owner, buy, advance, clock, choose, move, undo, run, over } = on;
const { partOf, planOf, invoicesOf, told } = on;
const MONTHLY = { plan: "pro", interval: "month" } as const;

test("a tenth goes first and the rest later, each once, however many work at it; who keeps its version is passed by", async () => {
  const people = await Promise.all(Array.from({ length: 11 }, () => tenant("cleo")));
  const kept = people.pop()!;
  const wish = { from: "free@1", to: "free@2", noticeDays: 0 } as const;
  await inTenant(kept, (_tx, inner) => keepVersion(inner, {}, "a promise"));
  const versions = async () => (await Promise.all(people.map(planOf))).map(([version]) => version).sort();
  const first = await move({ ...wish, share: 10 });
  expect((await versions()).filter((version) => version === "free@2")).toHaveLength(1);
  expect((await planMoveOf(ctx, { moveId: first })).move).toMatchObject({ status: "running", share: 10 });
  const { moveId, chosen, chosenInAll } = await choose({ ...wish, share: 100 });
  expect([moveId, chosen, chosenInAll]).toEqual([first, 9, 10]);
  await Promise.all([run(), run(), run(), run()]);
  expect(new Set(await versions())).toEqual(new Set(["free@2"]));
  expect(await planOf(kept)).toEqual(["free@1", 100]);
  for (const one of people) {
    expect(await told(one)).toEqual(["billing.plan_moved"]);
    const [row] = await owner`select count(*)::int as n from audit_events
      where tenant_id = ${one.tenant.id} and action = 'plan.changed' and subject = 'free@2'`;
    expect(row?.n).toBe(1);
  }
  expect(await planMoveOf(ctx, { moveId: first })).toMatchObject({
    move: { status: "done", stage: 2 },
    counts: { moved: 10 },
  });
  // Whoever comes later is moved by the next stage, and who is let go again is too.
  await inTenant(kept, (_tx, inner) => unkeepVersion(inner, {}));
  await move({ ...wish, share: 100 });
  expect((await planOf(kept))[0]).toBe("free@2");
  await undo(first);
  expect(new Set(await versions())).toEqual(new Set(["free@1"]));
  expect(await told(people[0]!)).toEqual(["billing.plan_moved", "billing.plan_moved"]);
  expect((await planMoveOf(ctx, { moveId: first })).move.status).toBe("undone");
});

test("everyone is told first, moves with the renewal after the notice, and pays the new price from then on", async () => {
  const ada = await tenant("ada");
  await buy(ada, MONTHLY);
  const bo = await tenant("bo");
  await buy(bo, { plan: "pro", interval: "year" });
  const eve = await tenant("eve");
  await entitle(eve, { planVersionId: "pro@1", source: "operator" });
  await advance({ days: 3 });
  const moveId = await move({ to: "pro@2", share: 100, noticeDays: 10 });
  expect(await partOf(ada, moveId)).toMatchObject({
    status: "told",
    effectiveAt: new Date("2026-04-02T09:00:00.000Z"),
  });
  expect(await partOf(eve, moveId)).toMatchObject({
    status: "told",
    effectiveAt: new Date("2026-03-15T09:00:00.000Z"),
  });
  for (const one of [ada, bo, eve]) {
    expect(await planOf(one)).toEqual(["pro@1", 1_000]);
    expect(await told(one)).toEqual(["billing.plan_moving"]);
  }
  await advance({ days: 10 });
  await run();
  expect([(await planOf(ada))[0], (await planOf(eve))[0]]).toEqual(["pro@1", "pro@2"]);
  clock.set("2026-03-30T10:00:00.000Z");
  await run();
  expect(await partOf(ada, moveId)).toMatchObject({ status: "scheduled" });
  expect(await planOf(ada)).toEqual(["pro@1", 1_000]);
  await run();
  await advance({ days: 3 });
  expect(await planOf(ada)).toEqual(["pro@2", 800]);
  expect(await partOf(ada, moveId)).toMatchObject({ status: "moved" });
  expect(await invoicesOf(ada)).toEqual([1_500, 2_000]);
  expect(await told(ada)).toEqual(["billing.plan_moving", "billing.plan_moved"]);
  expect(await partOf(bo, moveId)).toMatchObject({
    status: "told",
    effectiveAt: new Date("2027-03-02T09:00:00.000Z"),
  });
  const [notice] =
    await owner`select payload from outbox where tenant_id = ${bo.tenant.id} and type = 'billing.plan_moving'`;
  expect(notice?.payload).toMatchObject({
    from: "pro@1",
    to: "pro@2",
    at: "2027-03-02T09:00:00.000Z",
    amountMinor: "20005",
    interval: "year",
    changes: expect.arrayContaining([{ name: "Compute", unit: "unit", before: 1_000, after: 800 }]),
  });
  await over(ada, bo);
});

test("moved now, a tenant has the new limits when its notice is over and pays the new price from its renewal on", async () => {
  const dan = await tenant("dan");
  await buy(dan, MONTHLY);
  await setOverride(dan, { feature: "seats", limit: 9, reason: "agreed" });
  const eve = await tenant("eve");
  await buy(eve, { order: { plan: "days", periods: 1 } });
  const renewsAt = (await subscriptionOf(dan)).subscription!.currentPeriodEndsAt;
  const wish = { effective: "now", noticeDays: 2 } as const;
  const moveId = await move({ from: "pro@1", to: "pro@2", workspaces: [dan.tenant.slug], ...wish });
  const days = await move({ to: "days@2", share: 100, ...wish });
  expect((await planOf(dan))[0]).toBe("pro@1");
  await advance({ days: 2, hours: 1 });
  await run();
  expect(await planOf(dan)).toEqual(["pro@2", 800]);
  expect((await planOf(eve))[0]).toBe("days@2");
  await syncCustomer(dan);
  await syncCustomer(eve);
  expect([(await planOf(dan))[0], (await planOf(eve))[0]]).toEqual(["pro@2", "days@2"]);
  expect((await status(dan)).meters.find(({ feature }) => feature === "seats")?.limit).toBe(9);
  expect((await subscriptionOf(dan)).subscription).toMatchObject({ price: { amountMinor: 1_500n } });
  await undo(days);
  expect((await planOf(eve))[0]).toBe("days@1");
  clock.set(new Date(renewsAt.getTime() - 86_400_000));
  await run();
  await advance({ days: 1, hours: 2 });
  expect(await invoicesOf(dan)).toEqual([1_500, 2_000]);
  expect(await partOf(dan, moveId)).toMatchObject({ status: "moved" });
  // Renewed under the new version, it goes back with the next renewal, and is told so.
  await undo(moveId);
  expect(await partOf(dan, moveId)).toMatchObject({ status: "returning" });
  expect((await planOf(dan))[0]).toBe("pro@2");
  await advance({ days: 29 });
  await run();
  await advance({ days: 3 });
  expect(await planOf(dan)).toEqual(["pro@1", 1_000]);
  expect(await invoicesOf(dan)).toEqual([1_500, 2_000, 1_500]);
  expect(await told(dan)).toEqual(Array(2).fill(["billing.plan_moving", "billing.plan_moved"]).flat());
  await over(dan);
});

test("undone before the renewal, the schedule is gone, the old price stays, and who was told is told", async () => {
  const { ada, moveId } = await scheduled("ada");
  const { currentPeriodEndsAt: at } = (await subscriptionOf(ada)).subscription!;
  expect(await comingVersion(ada)).toMatchObject({
    at,
    plan: { name: "Pro", version: 2 },
    isInForce: false,
    price: { before: { amountMinor: 1_500n }, after: { amountMinor: 2_000n }, interval: "month" },
    limits: expect.arrayContaining([expect.objectContaining({ feature: "sso", from: true, to: false })]),
  });
  await expect(undoChange(ada)).rejects.toMatchObject({ code: "CONFLICT" });
  await undo(moveId);
  expect(await comingVersion(ada)).toBeNull();
  expect(await told(ada)).toEqual(["billing.plan_moving", "billing.plan_move_undone"]);
  await advance({ days: 3 });
  expect(await invoicesOf(ada)).toEqual([1_500, 1_500]);
  expect(await planOf(ada)).toEqual(["pro@1", 1_000]);
  await over(ada);
});

test("a tenant's own change goes first, counted from the price it paid; what it takes back, the move comes back to", async () => {
  const { ada, moveId } = await scheduled("bo");
  const wish = { plan: "max", interval: "month" } as const;
  const { preview, dueNow } = await previewChange(ada, wish);
  await run();
  expect((await subscriptionOf(ada)).subscription?.change).toBeNull();
  await changePlan(ada, { ...wish, preview });
  expect((await invoicesOf(ada)).at(-1)).toBe(Number(dueNow.amountMinor));
  expect(await partOf(ada, moveId)).toMatchObject({ status: "left" });
  await over(ada);
  const { ada: bo, moveId: other } = await scheduled("bo");
  await cancelSubscription(bo, { when: "period_end", reason: "other" });
  await run();
  expect((await subscriptionOf(bo)).subscription).toMatchObject({ change: null, cancelAt: expect.any(Date) });
  await resumeSubscription(bo);
  await run();
  expect(await partOf(bo, other)).toMatchObject({ status: "scheduled" });
});

/** A subscriber whose move waits in a schedule for the renewal in less than three days. */
async function scheduled(name: string): Promise<{ ada: TenantCtx; moveId: string }> {
  const ada = await tenant(name);
  await buy(ada, MONTHLY);
  await advance({ days: 29 });
  const moveId = await move({ from: "pro@1", to: "pro@2", workspaces: [ada.tenant.slug], noticeDays: 0 });
  expect(await partOf(ada, moveId)).toMatchObject({ status: "scheduled" });
  return { ada, moveId };
}
