/** What runs out before what is held; each in the order of the price list. */
export function metersFirst<T extends { kind: "meter" | "level" | "lease" }>(limits: readonly T[]): T[] {
  return [...limits.filter(({ kind }) => kind === "meter"), ...limits.filter(({ kind }) => kind !== "meter")];
}
