import { foreignKey, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { tenants } from "../accounts/tables";
import { createdAt, tenantId } from "../db/columns";

/** Why a tenant may not consume: one row per reason. It may again when the last is gone. */
export const tenantBlocks = pgTable(
  "tenant_blocks",
  {
    tenantId: tenantId(),
    reason: text().notNull(),
    actor: text().notNull(),
    createdAt: createdAt(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.reason] }),
    foreignKey({ columns: [t.tenantId], foreignColumns: [tenants.tenantId] }).onDelete("cascade"),
  ],
);
