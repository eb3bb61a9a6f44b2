import { defineConfig } from "drizzle-kit";

/** `npm run db:generate` writes a migration for what changed in any slice's tables; it needs no database. */
export default defineConfig({
  dialect: "postgresql",
  casing: "snake_case",
  schema: ["./src/server/*/tables.ts", "./src/server/*/*-tables.ts"],
  out: "./src/server/db/migrations",
});
