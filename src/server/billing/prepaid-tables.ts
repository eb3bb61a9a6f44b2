import { foreignKey, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { createdAt, id, instant, tenantId } from "../db/columns";
import { orders } from "./tables";

/** A subscription that its tenant agreed to end, for the days that an order sells to begin after it. Written before anybody pays. */
export const prepaidEnds = pgTable(
  "agreed_ends",
  {
    tenantId: tenantId(),
    orderId: id(),
    subscriptionId: text().notNull(),
    createdAt: createdAt(),
    /** When it was told to end, once the order was paid; null: not yet, and for an order that nobody pays never. */
    doneAt: instant(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.orderId] }),
    foreignKey({ columns: [t.tenantId, t.orderId], foreignColumns: [orders.tenantId, orders.id] }).onDelete(
      "cascade",
    ),
  ],
);
