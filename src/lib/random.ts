/** A back-off of a few milliseconds that grows with the attempt and never meets its rival twice. */
export function jitterMs(attempt: number): number {
  return Math.random() * 5 * 2 ** attempt;
}
