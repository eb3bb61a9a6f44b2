import type { World } from "./world";

/** What a handler knows besides its parameters. */
export interface Call {
  world: World;
  /** The ids in the path, in order. */
  ids: string[];
  path: string;
}

export interface Route {
  method: string;
  /** Stripe's path with `{}` for each id, without `/v1`. */
  path: string;
  pattern: RegExp;
  supported: Set<string>;
  handle: (params: never, call: Call) => unknown;
}

const ALWAYS_SUPPORTED = ["expand"];

/**
 * Declares an endpoint. `supported` names the parameters it honours, separated by spaces; `a.b` allows only
 * that part of a hash. Any other parameter is answered with 501, never silently ignored.
 */
export function route<P>(
  method: "GET" | "POST" | "DELETE",
  path: string,
  supported: string,
  handle: (params: P, call: Call) => unknown,
): Route {
  return {
    method,
    path,
    pattern: new RegExp(`^/v1${path.replaceAll("{}", "([^/]+)")}$`),
    supported: new Set([...ALWAYS_SUPPORTED, ...supported.split(" ").filter(Boolean)]),
    handle: handle as Route["handle"],
  };
}

/** The first parameter an endpoint does not honour, as a dotted path. */
export function unsupportedParam(params: unknown, supported: Set<string>, prefix = ""): string | null {
  if (Array.isArray(params)) {
    for (const element of params) {
      const found = unsupportedParam(element, supported, prefix);
      if (found) return found;
    }
    return null;
  }
  if (typeof params !== "object" || params === null) return null;
  for (const [name, value] of Object.entries(params)) {
    const path = `${prefix}${name}`;
    if (supported.has(path)) continue;
    const hasParts = [...supported].some((each) => each.startsWith(`${path}.`));
    const isEmpty = value === "" || value === null;
    if (!hasParts) return path;
    const found = isEmpty ? null : unsupportedParam(value, supported, `${path}.`);
    if (found) return found;
  }
  return null;
}
