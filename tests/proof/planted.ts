import type { Topic } from "./model/steps";

/** A fault that somebody could make: one text of one file, changed. */
export interface Fault<About = Omit<Topic, "stepsBack">> {
  name: string;
  /** Histories about these find it soon; those about anything find it too, later. Left out: about anything. */
  about?: About;
  /** Where one of the first histories finds it. Left out: the seed of all random tests. */
  seed?: number;
  file: string;
  find: string;
  replace: string;
}

/** Each must be caught by the random histories of `model.test.ts`. A `find` that is gone or ambiguous fails too: the fault has moved. */
export const planted: Fault[] = [
  {
    name: "a lot may be spent after it expired",
    about: { meters: ["compute"], calls: ["grant", "check"] },
    file: "src/server/ledger/decide.sql",
    find: "and starts_at <= p_now and (expires_at is null or expires_at > p_now)\n      order by priority, expires_at nulls last, starts_at, id for",
    replace: "and starts_at <= p_now\n      order by priority, expires_at nulls last, starts_at, id for",
  },
  {
    name: "a replay on the fast path charges again",
    about: { meters: ["messages"], calls: ["again"] },
    file: "src/server/ledger/decide.sql",
    find: "  return found;\nend $$;",
    replace: "  return true;\nend $$;",
  },
  {
    name: "one unit more than the allowance is sold",
    about: { meters: ["compute"], calls: ["check"] },
    file: "src/server/ledger/decide.sql",
    find: "greatest(coalesce(m.granted, 9007199254740991) - m.used, 0)",
    replace: "greatest(coalesce(m.granted, 9007199254740991) - m.used + 1, 0)",
  },
  {
    name: "a window is granted once more when an override ends in it",
    about: { meters: ["compute"], calls: ["override", "rollDue"] },
    file: "src/server/ledger/window.sql",
    find: "if m.window_ends_at is null or p_now < m.window_ends_at then return false; end if;",
    replace: "if m.window_ends_at is null or p_now < m.window_starts_at then return false; end if;",
  },
  {
    name: "what is given back goes to the lot drawn first",
    about: { meters: ["messages"], calls: ["grant", "refund", "reserve", "commit"] },
    file: "src/server/ledger/give-back.sql",
    find: "filter (where d.n > 0) desc rows between",
    replace: "filter (where d.n > 0) rows between",
  },
  {
    name: "a hold that is settled may be given back once more",
    about: { meters: ["compute"], calls: ["reserve", "releaseHold", "commit", "sweepHolds"] },
    file: "src/server/ledger/holds.sql",
    find: "where tenant_id = p_tenant and id = h.id and status = 'open';",
    replace: "where tenant_id = p_tenant and id = h.id;",
  },
  {
    name: "a commit above its hold is booked although the account is blocked",
    about: { meters: ["compute"], calls: ["reserve", "commit", "block"] },
    seed: 1,
    file: "src/server/ledger/holds.sql",
    find: "if p_overflow = 'overflow' and not v_stopped and a.missing > 0 then",
    replace: "if p_overflow = 'overflow' and a.missing > 0 then",
  },
  {
    name: "the tenant's spend cap is ignored",
    about: { meters: ["calls"], calls: ["spendCap"] },
    file: "src/server/ledger/decide.sql",
    find: "<= coalesce(m.spend_cap_minor, 9007199254740991) then",
    replace: "<= 9007199254740991 then",
  },
  {
    name: "what an abandoned hold keeps is paid for",
    about: { meters: ["calls"], calls: ["reserve"] },
    file: "src/server/ledger/holds.sql",
    find: "exit when a.status <> 'denied' and (v_swept or a.beyond_units = 0);",
    replace: "exit when a.status <> 'denied';",
  },
  {
    name: "unused allowance is kept without a ceiling",
    about: { meters: ["messages"], calls: ["rollDue"] },
    seed: 3,
    file: "src/server/ledger/window.sql",
    find: "least(v_unused, m.rollover_cap - coalesce(sum(remaining), 0))",
    replace: "least(v_unused, v_unused + coalesce(sum(remaining), 0))",
  },
  {
    name: "what was paid for is spent before what was given",
    about: { meters: ["compute"], calls: ["grant"] },
    file: "src/server/ledger/grant.ts",
    find: "purchase: 60,",
    replace: "purchase: 15,",
  },
  {
    name: "an upgrade forgets what was used",
    about: { meters: ["compute"], calls: ["entitle"] },
    file: "src/server/entitlements/change-meter.ts",
    find: "used: meter.used + moved,",
    replace: "used: moved,",
  },
  {
    name: "a lease that missed its heartbeat keeps its place",
    about: { meters: ["compute"], calls: ["acquire", "heartbeat", "releaseLease"] },
    file: "src/server/ledger/leases.sql",
    find: "  perform gate_end_leases(p_now, p_tenant, p_feature);\n  -- The lease that",
    replace: "  -- The lease that",
  },
];
