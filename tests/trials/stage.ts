import { afterEach, expect } from "vitest";
import { prices } from "@/config/plans";
import type { CreditTrial, PriceList } from "@/lib/price-list";
import type { Ctx } from "@/server/context";
import { AppError } from "@/server/errors";
import { startTrial } from "@/server/trials/service";
import type { Visitor } from "@/server/trials/visitor";
import type { World } from "../support/world";

const TERMS: CreditTrial = { credits: 10, perNetworkPerDay: 5, perDay: 1_000, carryOver: true };

/** The app's price list with a trial on these terms. */
export function withTrial(terms: Partial<CreditTrial> = {}): PriceList {
  return { ...prices, credits: { ...prices.credits, trial: { ...TERMS, ...terms } } };
}

export function withoutTrial(): PriceList {
  return { ...prices, credits: { ...prices.credits, trial: undefined } };
}

let visitors = 0;

/** Somebody new, from a network of their own unless one is named. */
export function newVisitor(...networks: string[]): Visitor {
  visitors += 1;
  return { trialId: null, networks: networks.length > 0 ? networks : [`192.0.2.${visitors}`] };
}

/** Somebody who has begun a trial. */
export async function trying(ctx: Ctx, networks: string[] = newVisitor().networks): Promise<Visitor> {
  const { cookie } = await startTrial(ctx, { trialId: null, networks });
  return { trialId: /vis_[0-9a-z]{26}/.exec(cookie ?? "")?.[0] ?? null, networks };
}

/** How often each came out: what it resolved to in words, or the code of its error. */
export async function outcomes(
  calls: Promise<unknown>[],
  word: (value: never) => string = () => "done",
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const call of await Promise.allSettled(calls)) {
    if (call.status === "rejected" && !(call.reason instanceof AppError)) throw call.reason;
    const name =
      call.status === "fulfilled" ? word(call.value as never) : String((call.reason as AppError).code);
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** After each test: what was spent of a trial is what is missing from it, and no lot is more than what it came from. */
export function trialsAddUp({ owner }: World): void {
  afterEach(async () => {
    const unequal = await owner`
      select t.id from trials t left join trial_spends s on s.trial_id = t.id
      group by t.id having t.granted - coalesce(sum(s.units), 0) <> t.remaining`;
    expect(unequal).toEqual([]);
    const lots = await owner`
      select source from lots where kind = 'trial' group by source having count(*) > 1 or sum(granted) > (
        select t.remaining from trials t where 'trial:' || t.id = source)`;
    expect(lots).toEqual([]);
  });
}
