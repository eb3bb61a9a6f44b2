/** What the page prefetches and the client components read first, so that they mean the same queries. */
export const DEFAULT_DAYS = 30;
export const ENTRIES_PER_PAGE = 25;
