import { oneWaits } from "@tests/support/interleave";
import { sharedCredits } from "@tests/support/shared-credits";
import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { grantCredits } from "@/server/credits/grant-credits";
import { inTenant } from "@/server/db/transaction";
import { writeOffExpired } from "@/server/ledger/write-off";
import { consume } from "@/server/quota/consume";
import { releaseHold } from "@/server/quota/release-hold";
import { type Reserved, reserve } from "@/server/quota/reserve";

const { tenant, owner, clock } = await world({ prices: sharedCredits({ compute: 0, images: 0 }) });

test("a draw takes from the lots that it locked, though another meter gives back to an earlier one meanwhile", async () => {
  const ada = await tenant("ada");
  const [first, second] = [await buy(ada, 1), await buy(ada, 2)];
  const { holdId } = await hold(ada, "images", 10);
  const rival = await holding(second);
  const drawing = consume(ada, { feature: "compute", units: 4 });
  drawing.catch(() => {});
  await oneWaits(owner);
  await releaseHold(ada, { holdId });
  // The first lot is open again, and somebody else is at it.
  const other = await holding(first);
  await rival.done();
  expect(await drawing).toMatchObject({ allowed: true, drawn: { lots: [{ lotId: second, units: 4 }] } });
  await other.done();
  expect((await balance(ada)).available).toBe(16);
});

test("a lot's last units are written off as they are, though more of them come back meanwhile", async () => {
  const ada = await tenant("ada");
  const expiresAt = new Date(clock.now().getTime() + 60_000);
  const [first, second] = [await buy(ada, 1, expiresAt), await buy(ada, 2, expiresAt)];
  const holds = [await hold(ada, "images", 5), await hold(ada, "images", 5)];
  clock.advance({ minutes: 2 });
  const rival = await holding(second);
  const writing = writeOffExpired(ada);
  writing.catch(() => {});
  await oneWaits(owner);
  await releaseHold(ada, { holdId: holds[0]!.holdId });
  let settled = Promise.resolve();
  await inTenant(ada, async (_tx, inner) => {
    await releaseHold(inner, { holdId: holds[1]!.holdId });
    settled = rival.done();
    await Promise.race([writing, new Promise((resolve) => setTimeout(resolve, 300))]);
  });
  await Promise.all([writing, settled]);
  await writeOffExpired(ada);
  const rows = await owner`
    select id, remaining::int, written_off::int from lots where tenant_id = ${ada.tenant.id} order by id`;
  expect(rows.map((row) => ({ ...row }))).toEqual([
    { id: first, remaining: 0, written_off: 10 },
    { id: second, remaining: 0, written_off: 10 },
  ]);
});

test("an abandoned hold is swept before lots are locked: its own may come before them", async () => {
  const ada = await tenant("ada");
  const [first, second] = [await buy(ada, 1), await buy(ada, 2)];
  await hold(ada, "compute", 10, 60);
  clock.advance({ minutes: 2 });
  const rival = await holding(first);
  const drawing = consume(ada, { feature: "compute", units: 14 });
  await oneWaits(owner);
  await rival.also(second);
  await rival.done();
  expect(await drawing).toMatchObject({ allowed: true });
  expect((await balance(ada)).available).toBe(6);
});

async function buy(ada: TenantCtx, payment: number, expiresAt?: Date): Promise<string> {
  const kind = expiresAt ? ("promo" as const) : ("purchase" as const);
  const { lotId } = await grantCredits(ada, { amount: 10, kind, source: `payment:${payment}`, expiresAt });
  clock.advance({ seconds: 1 });
  return lotId;
}

const hold = async (ada: TenantCtx, feature: string, units: number, expiresInSeconds = 3_600) =>
  (await reserve(ada, { feature, units, expiresInSeconds })) as Reserved;

/** Somebody whose transaction holds a lot, and may want another; who is held up by a lock for long gives up. */
async function holding(lotId: string) {
  const rival = await owner.reserve();
  await rival`begin`;
  await rival`set local lock_timeout = '700ms'`;
  const also = async (id: string) => {
    await rival`select from lots where id = ${id} for no key update`;
  };
  await also(lotId);
  return {
    also,
    done: async () => {
      await rival`commit`;
      rival.release();
    },
  };
}
