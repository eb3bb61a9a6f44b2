/** What the page prefetches and the client components read first, so that they mean the same queries. */
export const ROWS_PER_PAGE = 25;
export const ORDERS_PER_PAGE = 10;
