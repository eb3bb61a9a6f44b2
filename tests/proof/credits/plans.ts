import { DAY_MS, PLAN_DAYS, PLANS } from "./prices";
import { followPlan } from "./refill";
import type { Order, State } from "./state";

interface Term {
  plan: string;
  endsAtMs: number;
}

/** The plan that prepaid orders come to, and what each compensates for. From the first order to the last, each
 *  time anew; the end of all is a whole second, as Stripe counts. */
export function termOf(orders: Order[]): { term: Term | null; compensations: Map<string, number> } {
  let term = null as Term | null;
  const compensations = new Map<string, number>();
  const bought = orders.filter((order) => order.fulfilledAtMs !== null);
  bought.sort((a, b) => a.fulfilledAtMs! - b.fulfilledAtMs!);
  for (const order of bought) {
    const atMs = order.fulfilledAtMs!;
    for (const [at, line] of order.lines.entries()) {
      if (!("plan" in line)) continue;
      const days = line.periods * PLAN_DAYS - order.daysBack[at]!;
      if (days === 0) continue;
      const { plan } = line;
      if (!term || term.endsAtMs <= atMs) term = { plan, endsAtMs: atMs + days * DAY_MS };
      else if (PLANS[plan]!.priceMinor < PLANS[term.plan]!.priceMinor) {
        const worth = Math.floor((days * PLANS[plan]!.priceMinor) / PLANS[term.plan]!.priceMinor);
        term = { ...term, endsAtMs: term.endsAtMs + worth * DAY_MS };
      } else {
        const daysLeft = plan === term.plan ? 0 : Math.ceil((term.endsAtMs - atMs) / DAY_MS);
        const credits = daysLeft * PLANS[term.plan]!.compensation;
        if (credits > 0) compensations.set(order.tag, credits);
        term = { plan, endsAtMs: term.endsAtMs + days * DAY_MS };
      }
    }
  }
  return { term: term && { ...term, endsAtMs: Math.ceil(term.endsAtMs / 1_000) * 1_000 }, compensations };
}

export const sellsPlan = ({ lines }: Order) => lines.some((line) => "plan" in line);

export function putOn(state: State, plan: State["plan"], nowMs: number): void {
  state.plan = plan;
  followPlan(state, nowMs);
}

/** A plan whose end has come is over at that instant, whoever looks first. */
export function endPlanIfOver(state: State, nowMs: number): void {
  const { endsAtMs } = state.plan;
  if (endsAtMs !== null && nowMs >= endsAtMs)
    putOn(state, { plan: "free", source: "default", endsAtMs: null }, nowMs);
}

export function followOrders(state: State, nowMs: number): void {
  const orders = Object.values(state.orders);
  if (!orders.some((order) => order.fulfilledAtMs !== null && sellsPlan(order))) return;
  const { term } = termOf(orders);
  if (term && nowMs < term.endsAtMs) putOn(state, { ...term, source: "prepaid" }, nowMs);
  else if (state.plan.source === "prepaid")
    putOn(state, { plan: "free", source: "default", endsAtMs: null }, nowMs);
}
