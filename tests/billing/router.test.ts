import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import type { Actor, TenantCtx } from "@/server/context";
import { createCaller } from "@/server/root";

const { ctx, tenant, owner, pay } = await stage();

const callerOf = (actor: Actor, workspace: string | null) =>
  createCaller({
    ...ctx,
    actor,
    request: { headers: new Headers(), resHeaders: new Headers(), workspace },
  }).billing;
const asOwner = (one: TenantCtx) => callerOf(one.actor, one.tenant.slug);
async function asRole(one: TenantCtx, role: string) {
  await owner`update members set role = ${role} where tenant_id = ${one.tenant.id}`;
  return asOwner(one);
}

test("anybody reads the price list, exactly as it stands", async () => {
  const { plans, packs, features, currency } = await callerOf({ kind: "anonymous" }, null).plans();
  expect(currency).toBe("usd");
  expect(plans.map(({ id, kind, monthly }) => [id, kind, monthly?.amountMinor ?? null])).toEqual([
    ["free", "free", null],
    ["pro", "recurring", 1_500n],
    ["enterprise", "recurring", 9_900n],
    ["custom", "contact", null],
  ]);
  expect(packs.map(({ credits, price }) => [credits, price.amountMinor])).toEqual([
    [100, 500n],
    [500, 2_000n],
    [2_000, 6_000n],
  ]);
  expect(features.find(({ id }) => id === "compute")).toMatchObject({
    kind: "meter",
    unit: "unit",
    window: "week",
  });
});

test("an owner goes all the way through the procedures", async () => {
  const ada = asOwner(await tenant("ada"));
  const { url } = await ada.checkout({ plan: "pro" });
  const { location } = await pay(url);
  const sessionId = new URL(location ?? "").searchParams.get("session_id") ?? "";
  expect(await ada.completeReturn({ sessionId })).toMatchObject({ status: "paid", plan: { id: "pro" } });
  expect(await ada.subscription()).toMatchObject({ plan: { id: "pro" }, hasPortal: true });
  expect((await ada.portal()).url).toContain("/p/session/");
});

test("the billing role may buy; a plain member sees the plan and may not touch the money", async () => {
  const bo = await tenant("bo");
  expect((await (await asRole(bo, "billing")).checkout({ pack: "credits_100" })).url).toContain("/c/pay/");
  const member = await asRole(bo, "member");
  expect(await member.subscription()).toMatchObject({ plan: { id: "free" } });
  for (const call of [
    () => member.checkout({ plan: "pro" }),
    () => member.portal(),
    () => member.completeReturn({ sessionId: "cs_test_1" }),
  ])
    await expect(call()).rejects.toMatchObject({ code: "FORBIDDEN" });
});

test("a stranger finds nothing, and a wish with extra words is refused", async () => {
  const [cleo, dan] = [await tenant("cleo"), await tenant("dan")];
  const stranger = callerOf(dan.actor, cleo.tenant.slug);
  await expect(stranger.subscription()).rejects.toMatchObject({ code: "NOT_FOUND" });
  await expect(stranger.checkout({ plan: "pro" })).rejects.toMatchObject({ code: "NOT_FOUND" });
  const wish = { plan: "pro", interval: "month", priceId: "price_1" } as const;
  await expect(asOwner(cleo).checkout(wish as { plan: string })).rejects.toMatchObject({
    code: "BAD_REQUEST",
  });
  await expect(asOwner(cleo).completeReturn({ sessionId: "../etc" })).rejects.toMatchObject({
    code: "BAD_REQUEST",
  });
});
