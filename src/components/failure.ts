export interface Failure {
  /** For people. */
  message: string;
  /** null when there is nothing to add that people could do. */
  advice: string | null;
  /** The closed code of the API's error, when it is one. */
  code: string | null;
  /** Where paying ends what is in the way; null: nothing has to be paid. */
  payUrl: string | null;
}

const UNKNOWN: Failure = {
  message: "Something went wrong on our side.",
  advice: "Try again. If it stays, reload the page.",
  code: null,
  payUrl: null,
};

/** What to show of anything that was thrown. Only an error that the API explained is quoted. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error) || !("data" in error)) return UNKNOWN;
  const data = error.data as { appCode?: unknown; advice?: unknown; payUrl?: unknown } | null | undefined;
  if (!data)
    return {
      message: "The server can't be reached.",
      advice: "Check your connection and try again.",
      code: null,
      payUrl: null,
    };
  return {
    message: error.message,
    advice: typeof data.advice === "string" ? data.advice : null,
    code: typeof data.appCode === "string" ? data.appCode : null,
    payUrl: typeof data.payUrl === "string" ? data.payUrl : null,
  };
}
