import { NEW, OLD, selling } from "@tests/plan-moves/new-versions";
import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import { entitle } from "@/server/entitlements/entitle";
import { currentPlan, ensurePlanVersions } from "@/server/plans/service";
import { moveTenants } from "@/server/sync/move-tenants";
import { operatorOffice } from "./office";

const set = await world({ prices: OLD });
const { tenant, ctx, owner } = set;
const { act, actor, refused, read, audits } = await operatorOffice(set);
await ensurePlanVersions(selling(ctx, NEW));

const move = { from: "free@1", to: "free@2", noticeDays: 0, reason: "leaner", key: "move" };
const versionOf = async (one: typeof ada) => (await currentPlan(one)).version.id;
const ada = await tenant("ada");
const bo = await tenant("bo");

test("a move is rehearsed, planned, taken in stages by key, and undone, each deed once and in its own row", async () => {
  await act(bo, "keepVersion", { reason: "a promise", key: "keep" });
  expect(await read(ada, "rehearsePlan", { to: "free@2" })).toMatchObject({ workspaces: 3, paysMore: 0 });
  const planned = (await act(ada, "movePlan", move)) as { moveId: string };
  expect(planned).toMatchObject({ chosen: 0, chosenInAll: 0 });
  const all = { ...move, share: 100, key: "all" };
  const [once, twice] = [await act(ada, "movePlan", all), await act(ada, "movePlan", all)];
  expect([once, twice]).toEqual([twice, { moveId: planned.moveId, chosen: 2, chosenInAll: 2 }]);
  await moveTenants(ctx);
  expect([await versionOf(ada), await versionOf(bo)]).toEqual(["free@2", "free@1"]);
  const { moveId } = planned;
  expect(await read(ada, "planMove", { moveId })).toMatchObject({
    move: { status: "done", createdBy: actor, reason: "leaner" },
    counts: { moved: 2 },
  });
  expect(await read(ada, "planMoves")).toMatchObject({ moves: [{ id: moveId }], next: null });
  await act(ada, "undoMove", { moveId, reason: "too lean", key: "undo" });
  await moveTenants(ctx);
  expect(await versionOf(ada)).toBe("free@1");
  expect(await read(ada, "planMove", { moveId })).toMatchObject({
    move: { status: "undone" },
    counts: { undone: 2 },
  });
  const deeds = await owner`select action, actor, reason from operator_deeds order by created_at, action`;
  expect(deeds.map(({ action }) => action).sort()).toEqual([
    "operator.kept_version",
    "operator.moved_plan",
    "operator.moved_plan",
    "operator.undid_move",
  ]);
  expect(new Set(deeds.map((deed) => deed.actor))).toEqual(new Set([actor]));
  expect(await audits(bo)).toEqual([{ action: "operator.kept_version", actor, reason: "a promise" }]);
  const told =
    await owner`select action from audit_events where tenant_id = ${ada.tenant.id} and subject = ${moveId} order by id`;
  expect(told.map(({ action }) => action)).toEqual(["plan_move.moved", "plan_move.undone"]);
});

test("what makes no sense is refused, and chooses nobody", async () => {
  await act(ada, "movePlan", { ...move, key: "terms" });
  for (const [wish, code] of [
    [{ noticeDays: 5 }, "CONFLICT"],
    [{ from: "pro@1" }, "INVALID_INPUT"],
    [{ to: "free@1" }, "INVALID_INPUT"],
    [{ to: "free@9" }, "NOT_FOUND"],
    [{ share: 10, workspaces: [ada.tenant.slug] }, "BAD_REQUEST"],
    [{ workspaces: ["nobody-there"] }, "NOT_FOUND"],
    [{ share: 101 }, "BAD_REQUEST"],
    // Stripe has no such price yet: nobody is told of one that can't be charged.
    [{ from: "pro@1", to: "pro@2" }, "PAYMENT_PROVIDER"],
  ] as const)
    expect([wish, await refused(ada, "movePlan", { ...move, ...wish, key: JSON.stringify(wish) })]).toEqual([
      wish,
      code,
    ]);
  expect(await refused(ada, "undoMove", { moveId: "mov_nobody", reason: "r", key: "k" })).toBe("NOT_FOUND");
  expect(await refused(ada, "unkeepVersion", { reason: "r", key: "k2" })).toBe("NOT_FOUND");
  const [row] = await owner`select count(*)::int as n from plan_move_tenants where due_at is not null`;
  expect(row?.n).toBe(0);
});

test("a tenant that leaves its version meanwhile is left alone", async () => {
  const cleo = await tenant("cleo");
  const soon = { to: "free@2", workspaces: [cleo.tenant.slug], noticeDays: 3, reason: "r", key: "soon" };
  const { moveId } = (await act(cleo, "movePlan", soon)) as { moveId: string };
  await moveTenants(ctx);
  await entitle(cleo, { planVersionId: "max@1", source: "operator" });
  set.clock.advance({ days: 3 });
  await moveTenants(ctx);
  expect(await read(cleo, "planMove", { moveId })).toMatchObject({ counts: { left: 1 } });
  expect(await versionOf(cleo)).toBe("max@1");
});
