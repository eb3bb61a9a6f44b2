import { foreignKey, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { tenants } from "../accounts/tables";
import { createdAt, id, tenantId, units } from "../db/columns";

/** The demo product: something that costs compute … */
export const runs = pgTable(
  "runs",
  {
    tenantId: tenantId(),
    id: id(),
    name: text().notNull(),
    computeUnits: units().notNull(),
    createdBy: text().notNull(),
    createdAt: createdAt(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    foreignKey({ columns: [t.tenantId], foreignColumns: [tenants.tenantId] }).onDelete("cascade"),
  ],
);

/** … and something a plan lets you have so many of. */
export const channels = pgTable(
  "channels",
  {
    tenantId: tenantId(),
    id: id(),
    name: text().notNull(),
    createdBy: text().notNull(),
    createdAt: createdAt(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    foreignKey({ columns: [t.tenantId], foreignColumns: [tenants.tenantId] }).onDelete("cascade"),
  ],
);
