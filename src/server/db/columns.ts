import { bigint, customType, timestamp } from "drizzle-orm/pg-core";

/** Ids sort by time byte by byte, whatever the database's own collation. */
export const idText = customType<{ data: string }>({ dataType: () => 'text collate "C"' });

/** Every tenant table starts with this column, and so do its primary key, uniques, indexes and foreign keys. */
export const tenantId = () => idText().notNull();

/** A prefixed, time-ordered id made by the app (`lib/ids.ts`). */
export const id = () => idText().notNull();

/** An instant, `timestamptz` with millisecond precision. */
export const instant = () => timestamp({ withTimezone: true, precision: 3, mode: "date" });

export const createdAt = () => instant().notNull();

/** A count of product units (messages, credits, bytes): whole, and never past a safe integer (CHECKed). */
export const units = () => bigint({ mode: "number" });

/** Money in the currency's minor unit. */
export const amountMinor = () => bigint({ mode: "bigint" });
