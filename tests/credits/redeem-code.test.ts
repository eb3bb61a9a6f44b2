import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { createCode, endCode } from "@/server/credits/promo-codes";
import { redeemCode } from "@/server/credits/redeem-code";

const { tenant, ctx, clock, owner } = await world({ poolSize: 50 });
const made = { credits: 25, reason: "autumn fair" };
const later = (days: number) => new Date(clock.now().getTime() + days * 86_400_000);

test("10 redemptions are left and 50 workspaces come at once: 10 are given", async () => {
  await createCode(ctx, { ...made, code: "ten-left", maxRedemptions: 10 });
  const tenants: TenantCtx[] = [];
  for (let at = 0; at < 50; at += 1) tenants.push(await tenant("ada"));
  const told = await Promise.allSettled(tenants.map((one) => redeemCode(one, { code: "Ten-Left" })));
  expect(told.filter(({ status }) => status === "fulfilled")).toHaveLength(10);
  for (const one of told)
    if (one.status === "rejected")
      expect(one.reason).toMatchObject({ code: "CONFLICT", message: "This code has been used up." });
  const [row] =
    await owner`select redemptions, (select count(*)::int from lots where source = 'promo:TEN-LEFT') as lots,
    (select sum(granted)::int from lots where source = 'promo:TEN-LEFT') as given from promo_codes where code = 'TEN-LEFT'`;
  expect(row).toEqual({ redemptions: 10, lots: 10, given: 250 });
});

test("a workspace redeems a code once, also when 8 tabs do at once", async () => {
  await createCode(ctx, { ...made, code: "ONCE-ONLY", kind: "trial", lotExpiresAfterDays: 7 });
  const ada = await tenant("ada");
  const tabs = await Promise.allSettled(
    Array.from({ length: 8 }, () => redeemCode(ada, { code: "ONCE-ONLY" })),
  );
  expect(tabs.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  expect((await balance(ada)).lots).toMatchObject([{ kind: "trial", remaining: 25, expiresAt: later(7) }]);
  expect(await owner`select redemptions from promo_codes where code = 'ONCE-ONLY'`).toEqual([
    { redemptions: 1 },
  ]);
});

test("a code that is not valid yet looks like one that never was; ended and over ones say so", async () => {
  const ada = await tenant("ada");
  await createCode(ctx, { ...made, code: "NOT-YET", validFrom: later(1), validUntil: later(2) });
  await createCode(ctx, { ...made, code: "STOPPED" });
  await endCode(ctx, { code: "STOPPED" });
  const told = (code: string) =>
    redeemCode(ada, { code }).catch(({ code, message, advice, hint }) => ({ code, message, advice, hint }));
  const early = await told("NOT-YET");
  expect(early).toEqual(await told("NEVER-WAS"));
  expect(early).toMatchObject({ code: "NOT_FOUND" });
  expect(await told("STOPPED")).toMatchObject({ code: "CONFLICT", message: "This code has ended." });
  clock.advance({ days: 1 });
  expect(await told("NOT-YET")).toMatchObject({ credits: 25 });
  clock.advance({ days: 1 });
  const bo = await tenant("bo");
  await expect(redeemCode(bo, { code: "NOT-YET" })).rejects.toMatchObject({
    message: "This code has ended.",
  });
});

test("the eleventh guess within an hour is refused, for this workspace only, even when it is right", async () => {
  await createCode(ctx, { ...made, code: "RIGHT-ONE" });
  const [ada, bo] = [await tenant("ada"), await tenant("bo")];
  for (let at = 0; at < 10; at += 1)
    await expect(redeemCode(ada, { code: `GUESS-${at}` })).rejects.toMatchObject({ code: "NOT_FOUND" });
  await expect(redeemCode(ada, { code: "RIGHT-ONE" })).rejects.toMatchObject({ code: "RATE_LIMITED" });
  expect(await redeemCode(bo, { code: "RIGHT-ONE" })).toMatchObject({ credits: 25 });
  clock.advance({ hours: 1 });
  expect(await redeemCode(ada, { code: "RIGHT-ONE" })).toMatchObject({ credits: 25 });
});

test("of 30 guesses at once 10 are looked at, and 20 are refused", async () => {
  const ada = await tenant("ada");
  const told = await Promise.allSettled(
    Array.from({ length: 30 }, (_, at) => redeemCode(ada, { code: `AT-ONCE-${at}` })),
  );
  const codes = told.map((one) => (one.status === "rejected" ? (one.reason as { code: string }).code : ""));
  expect(codes.filter((code) => code === "NOT_FOUND")).toHaveLength(10);
  expect(codes.filter((code) => code === "RATE_LIMITED")).toHaveLength(20);
});

test("what a code gave lasts so many days, or until an instant that is the code's own end too, or for good", async () => {
  await createCode(ctx, { ...made, code: "FOR-DAYS", lotExpiresAfterDays: 30 });
  await createCode(ctx, { ...made, code: "UNTIL-THEN", lotExpiresAt: later(3) });
  await createCode(ctx, { ...made, code: "FOR-GOOD" });
  const ends = [later(32), later(3), null];
  clock.advance({ days: 2 });
  const ada = await tenant("ada");
  for (const [at, code] of ["FOR-DAYS", "UNTIL-THEN", "FOR-GOOD"].entries())
    expect(await redeemCode(ada, { code })).toMatchObject({ expiresAt: ends[at] });
  clock.advance({ days: 1 });
  expect((await balance(ada)).lots.map(({ expiresAt }) => expiresAt)).toEqual([ends[0], null]);
  await expect(redeemCode(await tenant("bo"), { code: "UNTIL-THEN" })).rejects.toMatchObject({
    message: "This code has ended.",
  });
});

test("what is no code is not looked up, and counts as no try", async () => {
  const ada = await tenant("ada");
  for (const code of ["", "abc", "no spaces", "ÜBER-25", "a".repeat(65), "-abc", "x' or '1'='1"])
    await expect(redeemCode(ada, { code })).rejects.toMatchObject({ code: "INVALID_INPUT" });
  expect(await owner`select 1 from code_attempts where tenant_id = ${ada.tenant.id}`).toEqual([]);
});

test("a code is made once, and never one that is over before it begins", async () => {
  await createCode(ctx, { ...made, code: "taken" });
  await expect(createCode(ctx, { ...made, code: "TAKEN" })).rejects.toMatchObject({ code: "CONFLICT" });
  for (const wrong of [
    { validUntil: later(-1) },
    { lotExpiresAt: later(0) },
    { credits: 0 },
    { credits: 1.5 },
  ])
    await expect(createCode(ctx, { ...made, code: "WRONG", ...wrong })).rejects.toMatchObject({
      code: "INVALID_INPUT",
    });
  await expect(endCode(ctx, { code: "WRONG" })).rejects.toMatchObject({ code: "NOT_FOUND" });
});
