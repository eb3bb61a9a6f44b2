import { inspect, isDeepStrictEqual } from "node:util";
import type { Answer } from "./ops";

/** Whether the engine said what the model says; the engine may say more. */
export function agrees(said: unknown, expected: unknown): boolean {
  if (expected === null || typeof expected !== "object" || Array.isArray(expected))
    return isDeepStrictEqual(said, expected);
  if (said === null || typeof said !== "object") return false;
  return Object.entries(expected).every(([key, value]) => agrees((said as Answer)[key], value));
}

/** An answer agrees when it also refuses or grants alike. */
export const sameAnswer = (said: Answer, expected: Answer) =>
  said.error === expected.error && agrees(said, expected);

/** What differs, key by key, for people. */
export function difference(said: unknown, expected: unknown, where = ""): string[] {
  const deep = (value: unknown): value is Answer =>
    value !== null && typeof value === "object" && !Array.isArray(value);
  if (deep(said) && deep(expected))
    return [...new Set([...Object.keys(expected), ...("error" in said ? ["error"] : [])])].flatMap((key) =>
      difference(said[key], expected[key], `${where}.${key}`),
    );
  if (agrees(said, expected)) return [];
  return [`${where || "answer"}: the engine says ${show(said)}, the model ${show(expected)}`];
}

export const show = (value: unknown) =>
  inspect(value, { depth: 8, breakLength: 160, sorted: true, maxArrayLength: 200 });

export class Disagreement extends Error {
  override name = "Disagreement";
}
