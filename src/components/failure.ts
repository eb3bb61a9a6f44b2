export interface Failure {
  /** For people. */
  message: string;
  /** null when there is nothing to add that people could do. */
  hint: string | null;
  /** The closed code of the API's error, when it is one. */
  code: string | null;
  /** Where paying ends what is in the way; null: nothing has to be paid. */
  payUrl: string | null;
}

const UNKNOWN: Failure = {
  message: "Something went wrong on our side.",
  hint: "Try again. If it stays, reload the page.",
  code: null,
  payUrl: null,
};

/** What to show of anything that was thrown. Only an error that the API explained is quoted. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error) || !("data" in error)) return UNKNOWN;
  const data = error.data as { appCode?: unknown; hint?: unknown; payUrl?: unknown } | null | undefined;
  if (!data)
    return {
      message: "The server can't be reached.",
      hint: "Check your connection and try again.",
      code: null,
      payUrl: null,
    };
  return {
    message: error.message,
    hint: typeof data.hint === "string" && isForPeople(data.hint) ? data.hint : null,
    code: typeof data.appCode === "string" ? data.appCode : null,
    payUrl: typeof data.payUrl === "string" ? data.payUrl : null,
  };
}

/** A hint that is a plain sentence. One that names a procedure, a file or a code of Stripe's is for builders. */
function isForPeople(hint: string): boolean {
  return /^[A-Z][^_/`({}]*\.$/.test(hint) && !/\w\.\w/.test(hint);
}
