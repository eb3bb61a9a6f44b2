import { expect, test } from "vitest";
import { prices } from "@/config/plans";
import { definePriceList, type Feature, type Plan, type PriceList, PriceListError } from "@/lib/price-list";
import { priceListProblems } from "@/lib/price-list-problems";

const plan = (id: string, limits: Plan["limits"], more: Partial<Plan> = {}): Plan => ({
  id,
  name: id,
  tagline: "",
  price: id === "free" ? { kind: "free" } : { kind: "recurring", monthlyMinor: 900, annualMinor: null },
  limits,
  ...more,
});

const meter = (more: Partial<Extract<Feature, { kind: "meter" }>> = {}): Feature =>
  ({
    kind: "meter",
    name: "Compute",
    window: "week",
    align: "anchored",
    overflow: { to: "deny" },
    ...more,
  }) as Feature;

const list = (features: Record<string, Feature>, more: Partial<PriceList> = {}): PriceList => ({
  currency: "usd",
  features,
  plans: [plan("free", Object.fromEntries(Object.keys(features).map((id) => [id, 10])))],
  packs: [],
  defaultPlan: "free",
  ...more,
});

const run: Feature = {
  kind: "pooled",
  name: "Runs",
  meter: "compute",
  base: 1,
  weights: { tokens: { units: 1, per: 1_000 } },
};

test("the shipped list has no problem", () => {
  expect(priceListProblems(prices)).toEqual([]);
});

test("a list with every kind of feature has no problem", () => {
  const features: Record<string, Feature> = {
    sso: { kind: "flag", name: "SSO" },
    upload_mb: { kind: "cap", name: "Upload", onLimit: "prompt" },
    seats: { kind: "level", name: "Seats", onLimit: "warn" },
    sessions: { kind: "lease", name: "Sessions", heartbeatSeconds: 60 },
    compute: meter({ rollover: { maxUnits: 500, windows: 2 }, onLimit: "warn" }),
    storage: meter({ overflow: { to: "overage", minorUnits: 2, perUnits: 100, defaultCapMinor: 5_000 } }),
    calls: meter({ overflow: { to: "credits", credits: 1, perUnits: 10 } }),
    run,
  };
  const free = plan("free", {
    sso: false,
    upload_mb: 10,
    seats: 1,
    sessions: 1,
    compute: 100,
    storage: 0,
    calls: 5,
    run: 20,
  });
  const caps = { compute: { perRequest: 50 }, storage: { perWindow: 1_000 } };
  const weights = { run: { base: 0, weights: { tokens: { units: 2, per: 1_000 } } } };
  const pro = plan("pro", { ...free.limits, sso: true, run: "unlimited" }, { weights });
  expect(priceListProblems(list(features, { plans: [{ ...free, caps }, pro] }))).toEqual([]);
});

test.each<[string, Feature, string]>([
  ["a rate of no credits", meter({ overflow: { to: "credits", credits: 0, perUnits: 1 } }), "above 0"],
  ["a rate of half a cent", meter({ overflow: { to: "overage", minorUnits: 0.5, perUnits: 1 } }), "above 0"],
  [
    "a rate the database cannot hold",
    meter({ overflow: { to: "credits", credits: 1, perUnits: 2 ** 31 } }),
    "up to 2147483647",
  ],
  [
    "a cap below nothing",
    meter({ overflow: { to: "overage", minorUnits: 1, perUnits: 1, defaultCapMinor: -1 } }),
    "defaultCapMinor",
  ],
  [
    "overage that only warns",
    { ...meter({ overflow: { to: "overage", minorUnits: 1, perUnits: 1 } }), onLimit: "warn" } as Feature,
    `onLimit can't be "warn"`,
  ],
  ["a rollover of nothing", meter({ rollover: { maxUnits: 0, windows: 1 } }), "rollover wants"],
  ["a rollover for no window", meter({ rollover: { maxUnits: 5, windows: 0 } }), "rollover wants"],
  ["a window that is none", meter({ window: "fortnight" as never }), `no window "fortnight"`],
  ["an overflow that is none", meter({ overflow: { to: "heaven" } as never }), `no overflow to "heaven"`],
  [
    "an answer at the limit that is none",
    { kind: "level", name: "x", onLimit: "shout" as never },
    "onLimit is",
  ],
  ["a heartbeat that never comes", { kind: "lease", name: "x", heartbeatSeconds: 0 }, "heartbeatSeconds is"],
  ["a kind that is none", { kind: "wish", name: "x" } as never, `there is no kind "wish"`],
  ["a pool without its meter", { ...run, meter: "nowhere" } as Feature, `"nowhere", which is not a meter`],
  ["a weight per nothing", { ...run, weights: { t: { units: 1, per: 0 } } } as Feature, "per is a whole"],
  ["a pooled feature for nothing", { ...run, base: 0, weights: {} } as Feature, "costs nothing"],
])("%s is a problem that names its feature", (_, feature, words) => {
  const found = priceListProblems(list({ thing: feature, compute: meter() }));
  expect(found).toHaveLength(1);
  expect(found[0]).toContain('"thing"');
  expect(found[0]).toContain(words);
});

test.each<[string, Partial<Plan>, string]>([
  ["caps of something that is no meter", { caps: { run: { perRequest: 5 } } }, 'caps of "run": not a meter'],
  ["a cap of nothing", { caps: { compute: { perWindow: 0 } } }, "whole numbers above 0"],
  ["weights of a meter", { weights: { compute: { base: 1 } } }, "not a pooled feature"],
  [
    "a weight of an unknown cost",
    { weights: { run: { weights: { gpu: { units: 1, per: 1 } } } } },
    '"gpu" is not a cost',
  ],
  ["a base below nothing", { weights: { run: { base: -1 } } }, "whole numbers of 0 or more"],
  [
    "a weight per nothing",
    { weights: { run: { weights: { tokens: { units: 1, per: 0 } } } } },
    "per is above 0",
  ],
])("in a plan, %s is a problem", (_, more, words) => {
  const free = plan("free", { compute: 10, run: 10 }, more);
  const found = priceListProblems(list({ compute: meter(), run }, { plans: [free] }));
  expect(found).toHaveLength(1);
  expect(found[0]).toContain(words);
});

test("a dearer plan that gives less or caps lower leaves a gap that is named", () => {
  const free = plan("free", { compute: 10 }, { caps: { compute: { perRequest: 9 } } });
  const pro = plan("pro", { compute: 9 }, { caps: { compute: { perRequest: 8, perWindow: 100 } } });
  expect(priceListProblems(list({ compute: meter() }, { plans: [free, pro] }))).toEqual([
    'plan "pro" gives less "compute" than "free" below it: a gap between tiers',
    'plan "pro" caps "compute" lower than "free" below it: a gap between tiers',
  ]);
});

test("limits of the wrong kind, gaps and strangers are named, all at once", () => {
  const free = plan("free", { sso: 1, seats: true, ghost: 5 } as Plan["limits"]);
  const features: Record<string, Feature> = {
    sso: { kind: "flag", name: "SSO" },
    seats: { kind: "level", name: "Seats" },
    credits: { kind: "flag", name: "Credits" },
  };
  const broken = list(features, { plans: [free], currency: "dollars", defaultPlan: "gratis" });
  expect(priceListProblems(broken)).toEqual([
    'currency "dollars" is not a lower-case ISO 4217 code',
    'defaultPlan "gratis" is not one of the plans',
    'feature id "credits" is taken by the ledger',
    'plan "free" limits "ghost", which is not a feature',
    'plan "free" has a gap: it says nothing about "credits"',
    'plan "free", feature "sso": a flag is true or false, not the limit 1',
    'plan "free", feature "seats": a level wants a whole number of 0 or more, or "unlimited", not true',
  ]);
});

test("declaring a list with problems throws them all", () => {
  const declare = () =>
    definePriceList({
      currency: "usd",
      features: {
        compute: { kind: "meter", name: "C", window: "day", align: "calendar", overflow: { to: "deny" } },
      },
      plans: [{ id: "free", name: "Free", tagline: "", price: { kind: "free" }, limits: { compute: -1 } }],
      packs: [{ id: "p", name: "P", credits: 0, priceMinor: 1, expiresAfterDays: null }],
      defaultPlan: "free",
    });
  expect(declare).toThrow(PriceListError);
  expect(declare).toThrow(/has 2 problem\(s\)/);
});

const paid = (price: Plan["price"], more: Partial<Plan> = {}) =>
  list({}, { plans: [plan("free", {}), plan("pro", {}, { price, ...more })] });
const crediting = (credits: PriceList["credits"]) => list({}, { credits });
const AMOUNT = { minorUnits: 1, perUnits: 1, min: 1, max: 1_000_000, expiresAfterDays: null };
const TRIAL = { credits: 1, perNetworkPerDay: 1, perDay: 1, carryOver: true };

test("prepaid plans, refills and every rule for credits together have no problem", () => {
  const price = { kind: "prepaid", priceMinor: 2_000, days: 30, creditsPerDayLeft: 500 } as const;
  const refill = { credits: 5, every: "month", first: 0 } as const;
  expect(priceListProblems(paid(price, { refill }))).toEqual([]);
  const debt = { allowUntil: { credits: 0, days: 1 } };
  const signUp = { credits: 5, expiresAfterDays: null };
  expect(priceListProblems(crediting({ amount: AMOUNT, signUp, lowBalance: 1, debt, trial: TRIAL }))).toEqual(
    [],
  );
});

test.each<[string, PriceList, string]>([
  ["days for nothing", paid({ kind: "prepaid", priceMinor: 0, days: 30 }), "above 0"],
  ["half a day", paid({ kind: "prepaid", priceMinor: 1, days: 0.5 }), "above 0"],
  ["a lifetime of days", paid({ kind: "prepaid", priceMinor: 1, days: 3_661 }), "up to 3660"],
  [
    "less than nothing for a day left",
    paid({ kind: "prepaid", priceMinor: 1, days: 1, creditsPerDayLeft: -1 }),
    "0 or more",
  ],
  [
    "a refill of nothing",
    paid({ kind: "free" }, { refill: { credits: 0, every: "day" } }),
    "a refill wants whole credits",
  ],
  [
    "a refill every year",
    paid({ kind: "free" }, { refill: { credits: 1, every: "year" as "day" } }),
    'every "day", "week" or "month"',
  ],
  ["amounts at half a cent", crediting({ amount: { ...AMOUNT, minorUnits: 0.5 } }), "whole numbers above 0"],
  ["more than a million at once", crediting({ amount: { ...AMOUNT, max: 1_000_001 } }), "at most 1000000"],
  ["a least above the most", crediting({ amount: { ...AMOUNT, min: 5, max: 4 } }), "min is from 1 to max"],
  ["amounts gone at once", crediting({ amount: { ...AMOUNT, expiresAfterDays: 0 } }), "or null"],
  [
    "a sign-up grant of none",
    crediting({ signUp: { credits: 0, expiresAfterDays: null } }),
    "credits.signUp",
  ],
  ["a low balance of none", crediting({ lowBalance: 0 }), "credits.lowBalance"],
  ["debts for no time", crediting({ debt: { allowUntil: { credits: 1, days: 0 } } }), "credits.debt"],
  ["trials for nobody", crediting({ trial: { ...TRIAL, perDay: 0 } }), "credits.trial"],
  [
    "a pack of more than a million",
    list({}, { packs: [{ id: "p", name: "P", credits: 1_000_001, priceMinor: 1, expiresAfterDays: null }] }),
    "up to 1000000",
  ],
])("%s is a problem", (_, broken, words) => {
  expect(priceListProblems(broken).join("\n")).toContain(words);
});
