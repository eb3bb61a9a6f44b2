export const DEFAULT_DAYS = 30;

/** One object for the prefetch and the reader, so that they mean the same query. */
export const ENTRIES_INPUT = { limit: 25 };
