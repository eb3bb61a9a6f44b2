import type { z } from "zod";
import { AppError } from "./errors";

/** Parses a verb's own input. @throws AppError INVALID_INPUT naming the fields, never echoing their values */
export function parseInput<S extends z.ZodType>(schema: S, input: unknown): z.output<S> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map((issue) => `${issue.path.join(".") || "input"}: ${issue.message}`);
  throw new AppError("INVALID_INPUT", "The request's input is not valid.", {
    hint: fields.slice(0, 5).join("; ").slice(0, 500),
    cause: parsed.error,
  });
}
