type Plain = Record<string, unknown>;

function isPlain(value: unknown): value is Plain {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A copy holding JSON values only: what a client of Stripe would receive. */
export function wireCopy<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

/**
 * Stripe's `previous_attributes`: the former values of what changed. Hashes are descended into, arrays and
 * lists are given whole, and a key that did not exist before is null.
 */
export function previousAttributes(before: Plain, after: Plain): Plain {
  const previous: Plain = {};
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [was, is] = [before[key], after[key]];
    if (JSON.stringify(was) === JSON.stringify(is)) continue;
    const descends = isPlain(was) && isPlain(is) && was.object !== "list";
    previous[key] = descends ? previousAttributes(was, is) : (was ?? null);
  }
  return previous;
}

/** Stripe's merge rule: a key set to '' is removed, metadata '' removes all, other keys stay. */
export function mergeMetadata(
  current: Record<string, string>,
  change: "" | null | undefined | Record<string, string | number | null>,
): Record<string, string> {
  if (change === undefined) return current;
  if (change === "" || change === null) return {};
  const merged = { ...current };
  for (const [key, value] of Object.entries(change)) {
    if (value === "" || value === null) delete merged[key];
    else merged[key] = String(value);
  }
  return merged;
}

/** Forms send '' for null. */
export function emptyToNull<T>(value: T | "" | null | undefined): T | null {
  return value === "" || value === undefined ? null : value;
}

/** The named parameters that were sent, with '' turned into null. */
export function sentFields<P extends object, K extends keyof P & string>(
  params: P,
  ...names: K[]
): Record<string, unknown> {
  const sent = names.filter((name) => params[name] !== undefined);
  return Object.fromEntries(sent.map((name) => [name, emptyToNull(params[name])]));
}
