import type { Feature, MeterFeature, PooledFeature } from "./price-list-shape";
import { isCount, isPositive } from "./whole-numbers";

type Kind = Feature["kind"];
type OfKind<K extends Kind> = Extract<Feature, { kind: K }>;
type Features = Readonly<Record<string, Feature>>;

/** What Postgres keeps the two halves of a rate as. */
const MAX_RATE = 2 ** 31 - 1;
const MAX_ROLLOVER_WINDOWS = 1_000;
const MAX_HEARTBEAT_SECONDS = 86_400;
const ON_LIMIT: readonly unknown[] = [undefined, "block", "warn", "prompt"];
const WINDOWS: readonly unknown[] = ["day", "week", "month", "year", "billing_period"];

const isRate = (value: unknown) => isPositive(value) && value <= MAX_RATE;

/** A new kind of feature says here what can be wrong with it. */
const PROBLEMS: { [K in Kind]: (feature: OfKind<K>, features: Features) => string[] } = {
  flag: () => [],
  cap: ({ onLimit }) => onLimitProblems(onLimit),
  level: ({ onLimit }) => onLimitProblems(onLimit),
  lease: ({ heartbeatSeconds }) =>
    isPositive(heartbeatSeconds) && heartbeatSeconds <= MAX_HEARTBEAT_SECONDS
      ? []
      : [`heartbeatSeconds is a whole number from 1 to ${MAX_HEARTBEAT_SECONDS}`],
  meter: meterProblems,
  pooled: pooledProblems,
};

/** Every problem of one feature, in words a builder can act on. */
export function featureProblems(id: string, feature: Feature, features: Features): string[] {
  if (!Object.hasOwn(PROBLEMS, feature.kind)) return [`feature "${id}": there is no kind "${feature.kind}"`];
  const problemsOf = PROBLEMS[feature.kind] as (feature: Feature, features: Features) => string[];
  return problemsOf(feature, features).map((problem) => `${feature.kind} "${id}": ${problem}`);
}

function onLimitProblems(onLimit: unknown): string[] {
  return ON_LIMIT.includes(onLimit) ? [] : ['onLimit is "block", "warn" or "prompt"'];
}

function meterProblems({ window, align, overflow, onLimit, rollover }: MeterFeature): string[] {
  const rolls =
    rollover === undefined ||
    (isPositive(rollover.maxUnits) &&
      isPositive(rollover.windows) &&
      rollover.windows <= MAX_ROLLOVER_WINDOWS);
  return [
    ...(WINDOWS.includes(window) ? [] : [`there is no window "${window}"`]),
    ...(align === "calendar" || align === "anchored" ? [] : [`there is no alignment "${align}"`]),
    ...onLimitProblems(onLimit),
    ...overflowProblems(overflow, onLimit),
    ...(rolls
      ? []
      : [`rollover wants maxUnits above 0 and from 1 to ${MAX_ROLLOVER_WINDOWS} windows, as whole numbers`]),
  ];
}

function overflowProblems(overflow: MeterFeature["overflow"], onLimit: MeterFeature["onLimit"]): string[] {
  switch (overflow.to) {
    case "deny":
      return [];
    case "credits":
      return isRate(overflow.credits) && isRate(overflow.perUnits)
        ? []
        : [`overflow wants whole numbers above 0, up to ${MAX_RATE}, for credits and perUnits`];
    case "overage":
      return [
        ...(isRate(overflow.minorUnits) && isRate(overflow.perUnits)
          ? []
          : [`overflow wants whole numbers above 0, up to ${MAX_RATE}, for minorUnits and perUnits`]),
        ...(isCount(overflow.defaultCapMinor ?? 0)
          ? []
          : ["defaultCapMinor is a whole number of minor units, 0 or more"]),
        ...((onLimit ?? "block") === "block" ? [] : [`overage is billed, so onLimit can't be "${onLimit}"`]),
      ];
    default:
      return [`there is no overflow to "${(overflow as { to: unknown }).to}"`];
  }
}

function pooledProblems({ meter, base, weights }: PooledFeature, features: Features): string[] {
  const shared = Object.hasOwn(features, meter) ? features[meter] : undefined;
  const costs = Object.values(weights);
  const wrong = costs.some(({ units, per }) => !isCount(units) || !isPositive(per));
  return [
    ...(shared?.kind === "meter" ? [] : [`draws on "${meter}", which is not a meter`]),
    ...(wrong || !isCount(base)
      ? ["base and units are whole numbers of 0 or more, per is a whole number above 0"]
      : []),
    ...(base === 0 && costs.every(({ units }) => units === 0)
      ? ["costs nothing: base and weights are 0"]
      : []),
  ];
}
