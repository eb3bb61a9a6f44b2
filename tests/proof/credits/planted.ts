import type { Fault } from "../planted";
import type { Topic } from "./steps";

/** Each must be caught by the random histories of `credits.test.ts`. */
export const plantedInCredits: Fault<Topic>[] = [
  {
    name: "what expired unused is owed once its money is back",
    about: { calls: ["buy", "consume"], happens: ["refunded", "disputed"] },
    seed: 3,
    file: "src/server/ledger/take-back.sql",
    find: "p_target - l.remaining - l.taken_back - l.written_off, 0);",
    replace: "p_target - l.remaining - l.taken_back, 0);",
  },
  {
    name: "what others paid for a lot that owes no more goes back to nobody",
    about: { calls: ["buy", "consume"], happens: ["disputed", "dispute closed"] },
    file: "src/server/ledger/take-back.sql",
    find: "if p_forgiven > v_unpaid then perform",
    replace: "if false then perform",
  },
  {
    name: "units that return to a lot whose money is back may be spent again",
    about: { calls: ["buy", "reserve", "release", "consume", "refund"], happens: ["refunded", "disputed"] },
    file: "src/server/ledger/decide.sql",
    find: "if 0 > any (a.lot_draws) then perform gate_pay_own_debts",
    replace: "if false then perform gate_pay_own_debts",
  },
  {
    name: "a gift pays what is owed",
    file: "src/server/ledger/grant.ts",
    find: 'kind === "purchase" ? await repayDebts',
    replace: 'kind !== "replenish" ? await repayDebts',
  },
  {
    name: "a refill makes up for each period that was missed",
    file: "src/server/credits/refill.sql",
    find: "v_period := credit_next_period(p_now, r);",
    replace: "v_period := credit_next_period(r.period_ends_at, r);",
  },
  {
    name: "a plan that is over is refilled",
    file: "src/server/credits/refill.sql",
    find: "if v_period.starts_at >= r.plan_ends_at then return r.period_ends_at; end if;",
    replace: "",
  },
  {
    name: "an order gives its days from the last that told of it",
    file: "src/server/orders/fulfil-order.ts",
    find: "if (order.fulfilledAt) return false;",
    replace: "",
  },
  {
    name: "a share of a unit is taken back as a whole one",
    file: "src/server/orders/money-back-rules.ts",
    find: "return Number((BigInt(units) * order.moneyBackMinor) / order.totalMinor);",
    replace:
      "return Number((BigInt(units) * order.moneyBackMinor + order.totalMinor - 1n) / order.totalMinor);",
  },
  {
    name: "what an upgrade gave stays although the upgrade was refunded",
    about: { calls: ["buy"], happens: ["refunded", "disputed"] },
    file: "src/server/orders/compensate.ts",
    find: "due - shareOf(due, order));",
    replace: "due);",
  },
  {
    name: "an operator takes back by hand what an order brought",
    about: { calls: ["buy", "correct"], happens: ["refunded"] },
    file: "src/server/credits/correct-credits.ts",
    find: 'notLike(lots.source, "order:%"),',
    replace: "",
  },
];
