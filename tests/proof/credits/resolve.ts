import type { Deed, Op } from "./ops";
import type { Order, State } from "./state";
import type { Happening, Wish } from "./steps";

/** Wishes as calls, now that it is known what there is: none when there is nothing that one could mean. */
export function resolve(state: State, asked: Op[], wish: Wish, tag: string): Op[] {
  switch (wish.do) {
    case "grant":
      return [{ ...wish, source: `step:${tag}` }];
    case "consume":
    case "reserve":
      return [{ ...wish, key: tag }];
    case "again":
      return some(chosen(asked, wish.at));
    case "take back": {
      // What was bought is the money's business.
      const lots = state.lots.filter(({ source }) => /^(step|promo):/.test(source));
      const lot = chosen(lots, wish.at);
      return lot
        ? [{ ...wish, source: lot.source, target: Math.floor((lot.granted * wish.share) / 100) }]
        : [];
    }
    case "correct": {
      const { units, at } = wish;
      return [{ do: "correct", units, ...(at !== null && { source: chosen(state.lots, at)!.source }) }];
    }
    case "commit":
    case "release": {
      const { at, ...rest } = wish;
      const hold = chosen(Object.keys(state.holds), at);
      return hold === undefined ? [] : [{ ...rest, hold }];
    }
    case "refund": {
      const { at, ...rest } = wish;
      const entry = chosen(Object.keys(state.chains), at);
      return entry === undefined ? [] : [{ ...rest, entry, key: tag }];
    }
    case "place":
    case "redeem":
      return [wish];
    case "buy":
      return [{ do: "place", lines: wish.lines }];
    case "fulfil": {
      const order = chosen(Object.values(state.orders), wish.at);
      return order ? [{ do: "fulfil", order: order.tag, tellers: wish.tellers }] : [];
    }
    case "look": {
      const changed = Object.values(state.orders).filter(touched);
      const order = chosen(changed, wish.at);
      const orders = wish.all ? changed.map(({ tag: one }) => one) : some(order?.tag);
      return orders.length > 0 ? [{ do: "look", orders }] : [];
    }
    case "cron":
    case "plan":
    case "settle":
    case "write off":
      return [{ do: wish.do }];
  }
}

const touched = ({ refunds, disputes, fulfilledAtMs }: Order) =>
  refunds.length + disputes.length > 0 && fulfilledAtMs !== null;

/** What Stripe would let happen: never more refunded than was paid, and one decision about each thing. */
export function deedOf(state: State, { at, share, seen: _, ...what }: Happening): Deed | null {
  const orders = Object.values(state.orders).filter((order) => order.fulfilledAtMs !== null);
  const order = chosen(orders, at);
  if (!order) return null;
  const amountMinor = Math.max(Math.floor((order.totalMinor * share) / 100), 1);
  if (what.do === "refunded") {
    const before = order.refunds.filter(({ status }) => status !== "failed");
    const left = order.totalMinor - before.reduce((sum, one) => sum + one.amountMinor, 0);
    return left < 1 ? null : { ...what, order: order.tag, amountMinor: Math.min(amountMinor, left) };
  }
  if (what.do === "disputed")
    return order.disputes.length > 1 ? null : { ...what, order: order.tag, amountMinor };
  const waiting = what.do === "refund settled" ? "pending" : "needs_response";
  const list = what.do === "refund settled" ? order.refunds : order.disputes;
  const place = list.findIndex(({ status }) => status === waiting);
  return place < 0 ? null : { ...what, order: order.tag, at: place };
}

const some = <T>(one: T | undefined): T[] => (one === undefined ? [] : [one]);
/** The last ones first: what was just made is where the races are. */
const chosen = <T>(all: T[], at: number): T | undefined =>
  all[all.length - 1 - (at % Math.max(all.length, 1))];
