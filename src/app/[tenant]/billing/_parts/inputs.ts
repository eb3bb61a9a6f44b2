/** The same on the server, where the first page is asked for ahead. */
export const INVOICES_PER_PAGE = 10;
