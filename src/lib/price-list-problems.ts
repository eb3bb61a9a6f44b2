import { creditProblems, packProblems } from "./credit-problems";
import { dunningProblems } from "./dunning";
import { featureProblems } from "./feature-problems";
import { type Feature, type Limit, limitSize, type Plan, type PriceList } from "./price-list-shape";
import { isCount, isPositive } from "./whole-numbers";

/** Ten years: what is paid for longer than that is a mistake. */
const MAX_PREPAID_DAYS = 3_660;
/** What Stripe takes; also of a pause. */
const MAX_TRIAL_DAYS = 730;
/** What Stripe takes as a quantity, and more than anybody means. */
const MAX_SEATS = 1_000_000;
const REFILLS: readonly unknown[] = ["day", "week", "month"];
const ID = /^[a-z][a-z0-9_]{0,39}$/;

/** Every problem of a list, in words a builder can act on. Also for lists that come from JSON. */
export function priceListProblems(list: PriceList): string[] {
  return [
    ...headProblems(list),
    ...Object.entries(list.features).flatMap(([id, feature]) => featureProblems(id, feature, list.features)),
    ...list.plans.flatMap((plan) => planProblems(list, plan)),
    ...tierProblems(list),
    ...list.packs.flatMap(packProblems),
    ...creditProblems(list.credits),
    ...dunningProblems(list.dunning),
  ];
}

function headProblems(list: PriceList): string[] {
  const planIds = list.plans.map((plan) => plan.id);
  const packIds = list.packs.map((pack) => pack.id);
  const duplicates = [...planIds, ...packIds].filter((id, at, all) => all.indexOf(id) !== at);
  return [
    ...(/^[a-z]{3}$/.test(list.currency)
      ? []
      : [`currency "${list.currency}" is not a lower-case ISO 4217 code`]),
    ...(planIds.includes(list.defaultPlan)
      ? []
      : [`defaultPlan "${list.defaultPlan}" is not one of the plans`]),
    ...list.plans
      .filter((p) => p.id === list.defaultPlan && p.price.kind !== "free")
      .map((p) => `defaultPlan "${p.id}" must be free: a new tenant has not paid`),
    ...duplicates.map((id) => `id "${id}" is used twice among plans and packs`),
    ...[...planIds, ...packIds, ...Object.keys(list.features)]
      .filter((id) => !ID.test(id))
      .map((id) => `id "${id}" must be lower-case letters, digits and _, up to 40`),
    ...("credits" in list.features ? ['feature id "credits" is taken by the ledger'] : []),
  ];
}

function planProblems(list: PriceList, plan: Plan): string[] {
  const unknown = Object.keys(plan.limits).filter((id) => !Object.hasOwn(list.features, id));
  const missing = Object.keys(list.features).filter((id) => !Object.hasOwn(plan.limits, id));
  return [
    ...unknown.map((id) => `plan "${plan.id}" limits "${id}", which is not a feature`),
    ...missing.map((id) => `plan "${plan.id}" has a gap: it says nothing about "${id}"`),
    ...Object.entries(list.features).flatMap(([id, feature]) =>
      limitProblems(plan, id, feature, plan.limits[id]),
    ),
    ...Object.keys(plan.caps ?? {}).flatMap((id) => capsProblems(plan, id, list.features[id])),
    ...Object.keys(plan.weights ?? {}).flatMap((id) => weightsProblems(plan, id, list.features[id])),
    ...priceProblems(plan),
    ...seatProblems(list, plan),
    ...refillProblems(plan),
    ...trialProblems(plan),
    ...pauseProblems(plan),
  ];
}

function limitProblems(plan: Plan, id: string, feature: Feature, limit: Limit | undefined): string[] {
  if (limit === undefined) return [];
  const where = `plan "${plan.id}", feature "${id}"`;
  if (feature.kind === "flag")
    return typeof limit === "boolean" ? [] : [`${where}: a flag is true or false, not the limit ${limit}`];
  if (limit === "unlimited" || isCount(limit)) return [];
  return [
    `${where}: a ${feature.kind} wants a whole number of 0 or more, or "unlimited", not ${JSON.stringify(limit)}`,
  ];
}

function capsProblems(plan: Plan, id: string, feature: Feature | undefined): string[] {
  const where = `plan "${plan.id}", caps of "${id}"`;
  if (feature?.kind !== "meter") return [`${where}: not a meter`];
  const { perRequest, perWindow } = plan.caps?.[id] ?? {};
  const ok = [perRequest, perWindow].every((cap) => cap === undefined || isPositive(cap));
  return ok ? [] : [`${where}: perRequest and perWindow are whole numbers above 0`];
}

function weightsProblems(plan: Plan, id: string, feature: Feature | undefined): string[] {
  const where = `plan "${plan.id}", weights of "${id}"`;
  if (feature?.kind !== "pooled") return [`${where}: not a pooled feature`];
  const { base, weights } = plan.weights?.[id] ?? {};
  const unknown = Object.keys(weights ?? {}).filter((cost) => !Object.hasOwn(feature.weights, cost));
  const wrong = Object.values(weights ?? {}).some(
    (weight) => !isCount(weight.units) || !isPositive(weight.per),
  );
  return [
    ...unknown.map((cost) => `${where}: "${cost}" is not a cost of the feature`),
    ...(wrong || !isCount(base ?? 0)
      ? [`${where}: base and units are whole numbers of 0 or more, per is above 0`]
      : []),
  ];
}

function trialProblems({ id, price, trial }: Plan): string[] {
  if (!trial) return [];
  if (price.kind !== "recurring") return [`plan "${id}": only a subscription can begin with a trial`];
  return isPositive(trial.days) && trial.days <= MAX_TRIAL_DAYS
    ? []
    : [`plan "${id}": a trial has 1 to ${MAX_TRIAL_DAYS} days`];
}

function pauseProblems({ id, price, pause }: Plan): string[] {
  if (!pause) return [];
  if (price.kind !== "recurring") return [`plan "${id}": only a subscription can be paused`];
  return isPositive(pause.maxDays) && pause.maxDays <= MAX_TRIAL_DAYS
    ? []
    : [`plan "${id}": a pause lasts 1 to ${MAX_TRIAL_DAYS} days`];
}

function priceProblems({ id, price }: Plan): string[] {
  if (price.kind === "prepaid") {
    const { priceMinor, days, creditsPerDayLeft } = price;
    return isPositive(priceMinor) &&
      isPositive(days) &&
      days <= MAX_PREPAID_DAYS &&
      isCount(creditsPerDayLeft ?? 0)
      ? []
      : [
          `plan "${id}": priceMinor and days are whole numbers above 0, days up to ${MAX_PREPAID_DAYS}, creditsPerDayLeft 0 or more`,
        ];
  }
  if (price.kind !== "recurring") return [];
  const { monthlyMinor, annualMinor } = price;
  const ok = isPositive(monthlyMinor) && (annualMinor === null || isPositive(annualMinor));
  return ok ? [] : [`plan "${id}": prices are whole minor units above 0`];
}

function seatProblems({ features }: PriceList, { id, price }: Plan): string[] {
  const seats = price.kind === "recurring" ? price.seats : undefined;
  if (!seats) return [];
  const { feature, atLeast } = seats;
  const isLevel = Object.hasOwn(features, feature) && features[feature]?.kind === "level";
  return [
    ...(isLevel ? [] : [`plan "${id}": seats are units of a level, and "${feature}" is none`]),
    ...(isPositive(atLeast ?? 1) && (atLeast ?? 1) <= MAX_SEATS
      ? []
      : [`plan "${id}": seats are paid for from 1 to ${MAX_SEATS} on`]),
  ];
}

function refillProblems({ id, refill }: Plan): string[] {
  if (!refill) return [];
  const ok = isPositive(refill.credits) && isCount(refill.first ?? 0) && REFILLS.includes(refill.every);
  return ok
    ? []
    : [
        `plan "${id}": a refill wants whole credits above 0, first of 0 or more, every "day", "week" or "month"`,
      ];
}

/** A dearer tier that gives less of something leaves a gap in the ladder: nobody could be told what to buy. */
function tierProblems(list: PriceList): string[] {
  return list.plans.slice(1).flatMap((plan, index) => {
    const below = list.plans[index];
    if (!below) return [];
    const less = Object.keys(list.features).filter(
      (id) => limitSize(plan.limits[id]) < limitSize(below.limits[id]),
    );
    const tighter = Object.entries(plan.caps ?? {}).filter(([id, caps]) => {
      const under = below.caps?.[id];
      const size = (cap: number | undefined) => cap ?? Number.POSITIVE_INFINITY;
      return (
        size(caps?.perRequest) < size(under?.perRequest) || size(caps?.perWindow) < size(under?.perWindow)
      );
    });
    return [
      ...less.map(
        (id) => `plan "${plan.id}" gives less "${id}" than "${below.id}" below it: a gap between tiers`,
      ),
      ...tighter.map(
        ([id]) => `plan "${plan.id}" caps "${id}" lower than "${below.id}" below it: a gap between tiers`,
      ),
    ];
  });
}
