/** Compares two closed unions at compile time: a `never` here says a case was added and not handled. */
export function unreachable(value: never): never {
  throw new Error(`Unhandled case: ${JSON.stringify(value)}`);
}
