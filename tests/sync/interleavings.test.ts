import { stage } from "@tests/support/stage";
import fc from "fast-check";
import type Stripe from "stripe";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { knownCustomer } from "@/server/stripe/customer";
import { eventsOf, storyOf, tell } from "./story";

const set = await stage();
const { tenant, owner } = set;

/** Where a tenant ends up. When its windows began depends on when it was told, and is left out. */
async function outcome(ctx: TenantCtx): Promise<unknown> {
  const id = ctx.tenant.id;
  return {
    plan: await owner`select plan_version, source, interval from tenant_plans where tenant_id = ${id}`,
    subscriptions:
      await owner`select status, plan_version, interval, amount_minor, cancel_at - current_period_ends_at as early
      from subscriptions where tenant_id = ${id}`,
    checkouts: await owner`select purpose, item, status, completed_at is null as unsettled
      from checkouts where tenant_id = ${id} order by purpose`,
    lots: await owner`select kind, granted, remaining from lots where tenant_id = ${id}`,
    meters: await owner`select feature, plan_version, allowance, granted, used
      from meters where tenant_id = ${id} order by feature`,
  };
}

test("events told late, early, twice, out of order or not at all while the story goes on end in the same place", async () => {
  const oracle = await tenant("ada");
  for (const step of storyOf(set, oracle)) await step();
  for (const event of eventsOf(set, (await knownCustomer(oracle))!)) await tell(set, event);
  const expected = await outcome(oracle);

  const choice = fc.record({
    /** After each step, which of the events not yet told are told now. */
    now: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 200, maxLength: 200 }),
    order: fc.array(fc.nat(1_000), { minLength: 50, maxLength: 50 }),
    lost: fc.nat(1_000),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  await fc.assert(
    fc.asyncProperty(choice, async ({ now, order, lost, share }) => {
      const bo = await tenant("bo");
      const told = new Set<string>();
      let draw = 0;
      for (const step of storyOf(set, bo)) {
        await step();
        const customer = await knownCustomer(bo);
        for (const event of customer ? shuffled(eventsOf(set, customer), order) : []) {
          if (told.has(event.id) || (now[draw++ % now.length] ?? 1) > share) continue;
          told.add(event.id);
          await tell(set, event);
        }
      }
      const events = eventsOf(set, (await knownCustomer(bo))!);
      const missing = events[lost % (events.length - 1)];
      for (const event of shuffled(events, order)) if (event !== missing) await tell(set, event);
      expect(await outcome(bo)).toEqual(expected);
    }),
    { numRuns: 25, endOnFailure: true },
  );
}, 300_000);

function shuffled(events: Stripe.Event[], order: number[]): Stripe.Event[] {
  const rank = (event: Stripe.Event) => order[events.indexOf(event) % order.length] ?? 0;
  return [...events].sort((a, b) => rank(a) - rank(b));
}
