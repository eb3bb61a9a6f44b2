import type { Denial } from "@/server/errors";

/** What the gate answered, when it was the gate that refused; null for every other error. */
export function denialOf(error: unknown): Denial | null {
  if (!(error instanceof Error) || !("data" in error)) return null;
  const data = error.data as { denial?: Denial | null } | null | undefined;
  return data?.denial ?? null;
}
