import type { Feature } from "@/lib/price-list";
import type { Ctx } from "../context";
import { AppError } from "../errors";

/** The feature of that id. @throws AppError UNKNOWN_FEATURE, or INVALID_INPUT when it is of another kind */
export function requireKind(ctx: Ctx, feature: string, kinds: readonly Feature["kind"][]): Feature {
  const found = Object.hasOwn(ctx.prices.features, feature) ? ctx.prices.features[feature] : undefined;
  if (!found)
    throw new AppError("UNKNOWN_FEATURE", `There is no feature "${feature}".`, {
      hint: "Feature ids stand in src/config/plans.ts.",
    });
  if (kinds.includes(found.kind)) return found;
  throw new AppError(
    "INVALID_INPUT",
    `"${feature}" is a ${found.kind}; this works on a ${kinds.join(" or ")}.`,
    {
      hint:
        found.kind === "cap" || found.kind === "flag"
          ? "Flags and caps are checked, not consumed."
          : undefined,
    },
  );
}
