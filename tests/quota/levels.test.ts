import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import { consume } from "@/server/quota/consume";
import { release } from "@/server/quota/release";
import { status } from "@/server/quota/status";

const { tenant, owner } = await world();

test("a level holds as many as the plan lets it, and takes more once some are given back", async () => {
  const ada = await tenant("ada");
  const taken = await Promise.all(
    Array.from({ length: 20 }, (_, at) => consume(ada, { feature: "channels", key: `channel-${at}` })),
  );
  expect(taken.filter((receipt) => receipt.allowed)).toHaveLength(5);
  expect(await release(ada, { feature: "channels", key: "gone-1" })).toMatchObject({
    used: 4,
    limit: 5,
    replayed: false,
  });
  expect(await release(ada, { feature: "channels", key: "gone-1" })).toMatchObject({ replayed: true });
  expect(await consume(ada, { feature: "channels" })).toMatchObject({
    allowed: true,
    used: 5,
    resetsAt: null,
  });
  expect((await status(ada)).meters.find((meter) => meter.feature === "channels")).toMatchObject({
    used: 5,
    limit: 5,
    percent: 100,
  });
});

test("never below zero held: releases in parallel give back exactly what was taken", async () => {
  const bo = await tenant("bo");
  await consume(bo, { feature: "channels", units: 3 });
  const given = await Promise.allSettled(
    Array.from({ length: 10 }, (_, at) => release(bo, { feature: "channels", key: `gone-${at}` })),
  );
  expect(given.filter((result) => result.status === "fulfilled")).toHaveLength(3);
  expect(
    given
      .filter((result) => result.status === "rejected")
      .every((result) => result.reason.code === "CONFLICT"),
  ).toBe(true);
});

test("a level has no window: nothing resets it", async () => {
  const cleo = await tenant("cleo");
  await consume(cleo, { feature: "channels", units: 5 });
  const later = { ...cleo, now: () => new Date("2031-01-01T00:00:00Z") };
  expect(await consume(later, { feature: "channels" })).toMatchObject({
    allowed: false,
    used: 5,
    missing: 1,
    upgradeTo: "pro",
  });
});

test("only levels are released", async () => {
  const dan = await tenant("dan");
  await expect(release(dan, { feature: "compute", key: "k" })).rejects.toMatchObject({
    code: "INVALID_INPUT",
  });
});

test("a policy that makes no sense is refused by the database itself", async () => {
  const eve = await tenant("eve");
  const of = { tenant: eve.tenant.id };
  for (const change of [
    "granted = -1",
    "allowance = 9007199254740992",
    "overflow_cost = 0",
    "overflow_per_units = -3",
    "window_ends_at = null",
    "used = -1",
  ]) {
    await expect(
      owner.unsafe(`update meters set ${change} where tenant_id = $1 and feature = 'compute'`, [of.tenant]),
    ).rejects.toMatchObject({ code: "23514" });
  }
});
