import { creditBusiness } from "@tests/support/credits";
import { newTenant, world } from "@tests/support/world";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { grantCredits } from "@/server/credits/grant-credits";
import { tellAllExpiring } from "@/server/credits/jobs";
import { inTenant } from "@/server/db/transaction";

const { ctx, clock, owner } = await world({ prices: creditBusiness({ free: undefined }), poolSize: 10 });
let sources = 0;

const give = (of: TenantCtx, amount: number, hours: number) => {
  sources += 1;
  const expiresAt = new Date(ctx.now().getTime() + hours * 3_600_000);
  return inTenant(of, (_tx, inner) =>
    grantCredits(inner, { amount, kind: "purchase", source: `order:${sources}`, expiresAt }),
  );
};
const told = async (of: TenantCtx) =>
  (
    await owner`select payload from outbox where tenant_id = ${of.tenant.id} and type = 'credits.expiring' order by id`
  ).map(({ payload }) => payload);
const DAY = 24;

test("credits that expire are told a week before, all of a day at once, and once however many runners there are", async () => {
  const ada = await newTenant(ctx, "ada");
  const start = ctx.now();
  await give(ada, 100, 30 * DAY);
  await give(ada, 50, 30 * DAY + 2);
  await give(ada, 7, 60 * DAY);
  clock.advance({ days: 22 });
  expect(await tellAllExpiring(ctx)).toEqual({ expiringTold: 0 });
  clock.advance({ days: 1, hours: 2 });
  const done = await Promise.all([tellAllExpiring(ctx), tellAllExpiring(ctx), tellAllExpiring(ctx)]);
  expect(done.reduce((sum, { expiringTold }) => sum + expiringTold, 0)).toBe(1);
  const expiresAt = new Date(start.getTime() + 30 * DAY * 3_600_000).toISOString();
  expect(await told(ada)).toEqual([{ credits: 150, expiresAt }]);
  clock.advance({ days: 1 });
  expect(await tellAllExpiring(ctx)).toEqual({ expiringTold: 0 });
});

test("what is spent, lasts for ever, or lives for days only is not told", async () => {
  const bo = await newTenant(ctx, "bo");
  await give(bo, 100, 5 * DAY);
  await inTenant(bo, (_tx, inner) =>
    grantCredits(inner, { amount: 9, kind: "purchase", source: "order:ever", expiresAt: null }),
  );
  await tellAllExpiring(ctx);
  expect(await told(bo)).toEqual([]);
});
