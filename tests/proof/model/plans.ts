import { isDeepStrictEqual } from "node:util";
import { Temporal } from "temporal-polyfill";
import type { Feature, MeterCaps } from "@/lib/price-list";
import { periodAt } from "@/lib/time";
import { windowUnit } from "@/server/plans/rules";
import { letIn, reached, ruleOf, settle } from "./meters";
import type { Answer, Op } from "./ops";
import { proofPrices } from "./prices";
import type { Meter, State } from "./state";

type Policy = Omit<
  Meter,
  "granted" | "used" | "beyond" | "over" | "startsAtMs" | "endsAtMs" | "carriedFromMs" | "blocked" | "alerted"
>;

/** A new tenant on the default plan: every meter open, nothing used. */
export function firstState({ timeZone, startMs }: { timeZone: string; startMs: number }): State {
  const state: State = {
    plan: proofPrices.defaultPlan,
    timeZone,
    interval: "month",
    anchorAtMs: startMs,
    meters: {},
    overrides: {},
    lots: [],
    entries: {},
    holds: {},
    leases: {},
    keys: {},
  };
  for (const policy of policies(state, startMs)) state.meters[policy.feature] = open(policy, startMs);
  return state;
}

/** What the plan, or an override while it lasts, says of every meter, level and lease. In the order in which they change. */
export function policies(state: State, nowMs: number): Policy[] {
  const plan = proofPrices.plans.find((one) => one.id === state.plan)!;
  return Object.entries<Feature>(proofPrices.features)
    .sort()
    .flatMap(([feature, sold]) => {
      if (sold.kind === "pooled" || sold.kind === "flag" || sold.kind === "cap") return [];
      const limit = plan.limits[feature as keyof typeof plan.limits];
      const planAllowance = limit === "unlimited" ? null : limit;
      const override = liveOverride(state, feature, nowMs);
      const caps: MeterCaps | undefined = plan.caps?.[feature as "compute"];
      return [
        {
          feature,
          kind: sold.kind,
          plan: plan.id,
          allowance: override ? override.limit : planAllowance,
          planAllowance,
          timeZone: state.timeZone,
          overrideEndsAtMs: override?.endsAtMs ?? null,
          ...ofMeter(state, sold),
          onLimit: ("onLimit" in sold ? sold.onLimit : undefined) ?? "block",
          requestCap: caps?.perRequest ?? Number.MAX_SAFE_INTEGER,
          windowCap: caps?.perWindow ?? null,
        },
      ];
    });
}

function ofMeter(state: State, sold: Feature) {
  const none = {
    window: null,
    overflow: "deny" as const,
    cost: 1,
    perUnits: 1,
    spendCapMinor: null,
    rollover: null,
  };
  if (sold.kind !== "meter") return none;
  const anchored = sold.align === "anchored" || sold.window === "billing_period";
  const { overflow } = sold;
  return {
    window: {
      unit: windowUnit(sold.window, state.interval),
      anchorAtMs: anchored ? state.anchorAtMs : null,
    },
    overflow: overflow.to,
    cost: overflow.to === "credits" ? overflow.credits : overflow.to === "overage" ? overflow.minorUnits : 1,
    perUnits: overflow.to === "deny" ? 1 : overflow.perUnits,
    spendCapMinor: overflow.to === "overage" ? (overflow.defaultCapMinor ?? null) : null,
    rollover: sold.rollover ? { cap: sold.rollover.maxUnits, windows: sold.rollover.windows } : null,
  };
}

function open(policy: Policy, nowMs: number): Meter {
  const period = policy.window ? periodAt(new Date(nowMs), ruleOf(policy)) : null;
  const startsAtMs = period?.startsAt.getTime() ?? nowMs;
  return {
    ...policy,
    granted: policy.allowance,
    used: 0,
    beyond: 0,
    over: 0,
    startsAtMs,
    endsAtMs: period?.endsAt.getTime() ?? null,
    carriedFromMs: startsAtMs,
    blocked: null,
    alerted: 0,
  };
}

export function liveOverride(state: State, feature: string, nowMs: number) {
  const override = state.overrides[feature];
  return override && (override.endsAtMs === null || override.endsAtMs > nowMs) ? override : undefined;
}

/** Every meter becomes what the new plan says, at once. */
export function entitle(state: State, op: Extract<Op, { do: "entitle" }>, nowMs: number): Answer {
  state.plan = op.plan;
  state.interval = op.interval ?? state.interval;
  if (op.anchorInMs !== null) state.anchorAtMs = nowMs + op.anchorInMs;
  return follow(state, nowMs);
}

export function moveTo(state: State, op: Extract<Op, { do: "moveTo" }>, nowMs: number): Answer {
  if (state.timeZone === op.timeZone) return {};
  state.timeZone = op.timeZone;
  return follow(state, nowMs);
}

function follow(state: State, nowMs: number, only?: string): Answer {
  for (const policy of policies(state, nowMs))
    if (only === undefined || policy.feature === only)
      change(state, state.meters[policy.feature]!, policy, nowMs);
  return {};
}

export function setOverride(state: State, op: Extract<Op, { do: "override" }>, nowMs: number): Answer {
  const { feature, limit, expiresInMs } = op;
  const endsAtMs = expiresInMs === null ? null : nowMs + expiresInMs;
  state.overrides[feature] = { limit, endsAtMs };
  follow(state, nowMs, feature);
  return { limit, expiresAt: endsAtMs };
}

export function endOverride(state: State, op: Extract<Op, { do: "endOverride" }>, nowMs: number): Answer {
  if (!liveOverride(state, op.feature, nowMs)) return { error: "NOT_FOUND" };
  delete state.overrides[op.feature];
  return follow(state, nowMs, op.feature);
}

export function setBlocked(state: State, op: Extract<Op, { do: "block" }>): Answer {
  for (const meter of Object.values(state.meters)) meter.blocked = op.reason;
  return {};
}

export function setSpendCap(state: State, op: Extract<Op, { do: "spendCap" }>): Answer {
  state.meters[op.feature]!.spendCapMinor = op.minor;
  return {};
}

/** What was used stays used. A window with other boundaries begins now and takes along what counted before. */
function change(state: State, meter: Meter, policy: Policy, nowMs: number): void {
  settle(state, meter, nowMs);
  const before = { ...meter };
  Object.assign(meter, policy, { spendCapMinor: meter.spendCapMinor, granted: policy.allowance });
  if (meter.kind === "level") letIn(meter);
  if (isDeepStrictEqual(meter, before)) return;
  meter.alerted = reached(meter);
  const moved = meter.timeZone !== before.timeZone || !isDeepStrictEqual(meter.window, before.window);
  if (!moved || !meter.window) return;
  meter.startsAtMs = Math.max(nowMs, before.startsAtMs);
  meter.endsAtMs = Math.max(movedEnd(before, meter), meter.startsAtMs + 1);
}

/** A boundary of the new rule, but never sooner than one whole window after the last allowance was given. */
function movedEnd(before: Meter, meter: Meter): number {
  const rule = ruleOf(meter);
  const calendars = rule.anchor === null && before.window!.anchorAtMs === null;
  if (calendars && rule.unit === before.window!.unit) return sameDate(before, meter.timeZone);
  const given = new Date(meter.carriedFromMs);
  const earliest = periodAt(given, { ...rule, anchor: given }).endsAt;
  if (earliest.getTime() <= meter.startsAtMs)
    return periodAt(new Date(meter.startsAtMs), rule).endsAt.getTime();
  const period = periodAt(earliest, rule);
  return (period.startsAt.getTime() === earliest.getTime() ? earliest : period.endsAt).getTime();
}

/** The same page of the calendar ends, in another zone. */
function sameDate({ endsAtMs, timeZone }: Meter, newZone: string): number {
  const end = Temporal.Instant.fromEpochMilliseconds(endsAtMs!).toZonedDateTimeISO(timeZone);
  const local = end.toPlainDate().toPlainDateTime();
  return local.toZonedDateTime(newZone, { disambiguation: "later" }).epochMilliseconds;
}
