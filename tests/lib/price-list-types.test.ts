import { expectTypeOf, test } from "vitest";
import { definePriceList, type PriceListInput } from "@/lib/price-list";

const features = {
  sso: { kind: "flag", name: "SSO" },
  compute: {
    kind: "meter",
    name: "Compute",
    window: "week",
    align: "anchored",
    overflow: { to: "deny" },
  },
  sessions: { kind: "lease", name: "Sessions", heartbeatSeconds: 60 },
  run: {
    kind: "pooled",
    name: "Runs",
    meter: "compute",
    base: 1,
    weights: { tokens: { units: 1, per: 1_000 } },
  },
} as const;

type List = PriceListInput<typeof features, "free">;
type ListPlan = List["plans"][number];

test("a plan states every feature, flags as booleans and everything else as an amount", () => {
  type Amount = number | "unlimited";
  expectTypeOf<ListPlan["limits"]>().toEqualTypeOf<{
    readonly sso: boolean;
    readonly compute: Amount;
    readonly sessions: Amount;
    readonly run: Amount;
  }>();
});

test("caps are of meters only, and weights of pooled features and of costs that these know", () => {
  expectTypeOf<keyof NonNullable<ListPlan["caps"]>>().toEqualTypeOf<"compute">();
  expectTypeOf<keyof NonNullable<ListPlan["weights"]>>().toEqualTypeOf<"run">();
  type Rates = NonNullable<NonNullable<ListPlan["weights"]>["run"]>;
  expectTypeOf<keyof NonNullable<Rates["weights"]>>().toEqualTypeOf<"tokens">();
});

test("a pooled feature names a meter of its own list", () => {
  type Misled = Omit<typeof features, "run"> & { run: Omit<typeof features.run, "meter"> & { meter: "sso" } };
  expectTypeOf<typeof features>().toExtend<List["features"]>();
  expectTypeOf<Misled>().not.toExtend<PriceListInput<Misled, "free">["features"]>();
});

test("ids of a declared list are types", () => {
  const list = definePriceList({
    currency: "usd",
    features,
    plans: [
      {
        id: "free",
        name: "Free",
        tagline: "",
        price: { kind: "free" },
        limits: { sso: false, compute: 5, sessions: 1, run: 5 },
        caps: { compute: { perRequest: 2 } },
        weights: { run: { base: 2, weights: { tokens: { units: 1, per: 500 } } } },
      },
    ],
    packs: [],
    defaultPlan: "free",
  });
  expectTypeOf<keyof typeof list.features>().toEqualTypeOf<"sso" | "compute" | "sessions" | "run">();
  expectTypeOf(list.defaultPlan).toEqualTypeOf<"free">();
});
