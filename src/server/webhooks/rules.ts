/** After this many failed attempts an event is put aside, and somebody is told. */
export const MAX_ATTEMPTS = 5;

const FIRST_BACK_OFF_SECONDS = 10;
const MAX_TEXT = 500;
const SECRETS =
  /\b(?:(?:sk|rk|pk)_(?:test|live)_\w+|whsec_\S+|tgk_\S+)|\b(?:postgres(?:ql)?|smtps?):\/\/\S+|Bearer \S+/g;

/** Seconds until the next attempt: 10, 20, 40, 80. */
export function backOffSeconds(attempts: number): number {
  return FIRST_BACK_OFF_SECONDS * 2 ** (attempts - 1);
}

/** An error in one line to be kept: the innermost cause, without secrets and without the values of a query. */
export function failureText(error: Error): string {
  let cause = error;
  while (cause.cause instanceof Error) cause = cause.cause;
  return `${error.name}: ${cause.message}`
    .replace(SECRETS, "[secret]")
    .replace(/\s+/g, " ")
    .slice(0, MAX_TEXT);
}
