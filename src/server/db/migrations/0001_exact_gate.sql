CREATE TABLE "holds" (
	"tenant_id" text collate "C" NOT NULL,
	"id" text collate "C" NOT NULL,
	"feature" text NOT NULL,
	"units" bigint NOT NULL,
	"status" text NOT NULL,
	"overflow" text NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"settled_at" timestamp (3) with time zone,
	"settled_by" text collate "C",
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "holds_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
CREATE TABLE "idempotency_keys" (
	"tenant_id" text collate "C" NOT NULL,
	"key" text collate "C" NOT NULL,
	"entry_id" text collate "C" NOT NULL,
	"request_hash" bigint NOT NULL,
	CONSTRAINT "idempotency_keys_tenant_id_key_pk" PRIMARY KEY("tenant_id","key")
);
--> statement-breakpoint
CREATE TABLE "leases" (
	"tenant_id" text collate "C" NOT NULL,
	"id" text collate "C" NOT NULL,
	"feature" text NOT NULL,
	"idempotency_key" text NOT NULL,
	"started_at" timestamp (3) with time zone NOT NULL,
	"heartbeat_at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"ended_at" timestamp (3) with time zone,
	"ended_because" text,
	"plan_version" text NOT NULL,
	"actor" text NOT NULL,
	"properties" jsonb,
	CONSTRAINT "leases_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "leases_one_per_key" UNIQUE("tenant_id","idempotency_key")
);
--> statement-breakpoint
CREATE TABLE "overrides" (
	"tenant_id" text collate "C" NOT NULL,
	"id" text collate "C" NOT NULL,
	"feature" text NOT NULL,
	"limit" bigint,
	"reason" text NOT NULL,
	"actor" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone,
	"ended_at" timestamp (3) with time zone,
	"ended_by" text,
	CONSTRAINT "overrides_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
-- Entries become partitioned by id (which begins with its time), carry their draws themselves, and give their keys to a
-- table that outlives them. Everything that was written moves along.
-- An owner that is no superuser stands behind forced walls too: they are lifted here and put up again after every migration.
ALTER TABLE "entries" NO FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "draws" NO FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "meters" NO FORCE ROW LEVEL SECURITY;--> statement-breakpoint
DROP TRIGGER IF EXISTS "append_only" ON "entries";--> statement-breakpoint
DROP TRIGGER IF EXISTS "meters_policy" ON "meters";--> statement-breakpoint
ALTER TABLE "entries" RENAME TO "entries_before";--> statement-breakpoint
ALTER TABLE "entries_before" RENAME CONSTRAINT "entries_tenant_id_id_pk" TO "entries_before_pk";--> statement-breakpoint
CREATE TABLE "entries" (
	"tenant_id" text collate "C" NOT NULL,
	"id" text collate "C" NOT NULL,
	"parent_id" text collate "C",
	"idempotency_key" text,
	"operation" text NOT NULL,
	"feature" text NOT NULL,
	"units" bigint NOT NULL,
	"allowance_units" bigint DEFAULT 0 NOT NULL,
	"lot_units" bigint DEFAULT 0 NOT NULL,
	"credits" bigint DEFAULT 0 NOT NULL,
	"beyond_units" bigint DEFAULT 0 NOT NULL,
	"over_units" bigint DEFAULT 0 NOT NULL,
	"uncharged_units" bigint DEFAULT 0 NOT NULL,
	"lot_ids" text[],
	"lot_draws" bigint[],
	"used_after" bigint,
	"granted_after" bigint,
	"window_starts_at" timestamp (3) with time zone,
	"window_ends_at" timestamp (3) with time zone,
	"plan_version" text,
	"crossed" smallint,
	"reason" text,
	"actor" text NOT NULL,
	"properties" jsonb,
	"breakdown" jsonb,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "entries_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
) PARTITION BY RANGE ("id");
--> statement-breakpoint
CREATE TABLE "entries_default" PARTITION OF "entries" DEFAULT;--> statement-breakpoint
INSERT INTO "entries" ("tenant_id", "id", "idempotency_key", "operation", "feature", "units", "allowance_units", "lot_units", "credits", "beyond_units", "lot_ids", "lot_draws",
	"used_after", "granted_after", "window_starts_at", "window_ends_at", "plan_version", "crossed", "actor", "properties", "created_at")
SELECT e."tenant_id", e."id", nullif(e."idempotency_key", 'auto:' || e."id"), e."operation", e."feature", e."units", e."allowance_units", e."lot_units", e."credits", CASE WHEN e."operation" = 'consume' THEN e."units" - e."allowance_units" ELSE 0 END, d."ids", d."draws",
	e."used_after", e."granted_after", e."window_starts_at", e."window_ends_at", e."plan_version", e."crossed", e."actor", e."properties", e."created_at"
FROM "entries_before" e
LEFT JOIN (SELECT "tenant_id", "entry_id", array_agg("lot_id"::text ORDER BY "position") AS "ids", array_agg("units" ORDER BY "position") AS "draws" FROM "draws" GROUP BY 1, 2) d
	ON d."tenant_id" = e."tenant_id" AND d."entry_id" = e."id";--> statement-breakpoint
INSERT INTO "idempotency_keys" ("tenant_id", "key", "entry_id", "request_hash")
SELECT "tenant_id", "idempotency_key", "id", hashtextextended(concat_ws('|', "operation", "feature", "units", "properties"::text), 0)
FROM "entries" WHERE "idempotency_key" LIKE 'key:%';--> statement-breakpoint
DROP TABLE "draws";--> statement-breakpoint
DROP TABLE "entries_before";--> statement-breakpoint
ALTER TABLE "lots" NO FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "lots" ALTER COLUMN "unit" SET DATA TYPE text collate "C";--> statement-breakpoint
ALTER TABLE "meters" ALTER COLUMN "feature" SET DATA TYPE text collate "C";--> statement-breakpoint
ALTER TABLE "meters" ADD COLUMN "plan_allowance" bigint;--> statement-breakpoint
ALTER TABLE "meters" ADD COLUMN "override_ends_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "meters" ADD COLUMN "beyond" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "meters" ADD COLUMN "over" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "meters" ADD COLUMN "carried_from" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "meters" ADD COLUMN "overflow_cost" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "meters" ADD COLUMN "on_limit" text DEFAULT 'block' NOT NULL;--> statement-breakpoint
ALTER TABLE "meters" ADD COLUMN "spend_cap_minor" bigint;--> statement-breakpoint
ALTER TABLE "meters" ADD COLUMN "request_cap" bigint DEFAULT 9007199254740991 NOT NULL;--> statement-breakpoint
ALTER TABLE "meters" ADD COLUMN "window_cap" bigint;--> statement-breakpoint
ALTER TABLE "meters" ADD COLUMN "rollover_cap" bigint;--> statement-breakpoint
ALTER TABLE "meters" ADD COLUMN "rollover_windows" smallint;--> statement-breakpoint
ALTER TABLE "meters" ADD COLUMN "alerted" smallint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "meters" ADD COLUMN "fast_limit" bigint DEFAULT -1 NOT NULL;--> statement-breakpoint
ALTER TABLE "meters" ADD COLUMN "fast_until" timestamp (3) with time zone DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL;--> statement-breakpoint
ALTER TABLE "overrides" ADD CONSTRAINT "overrides_tenant_id_tenants_tenant_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("tenant_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "holds_open" ON "holds" USING btree ("tenant_id","feature","expires_at") WHERE status = 'open';--> statement-breakpoint
CREATE INDEX "leases_running" ON "leases" USING btree ("tenant_id","feature","expires_at") WHERE ended_at is null;--> statement-breakpoint
CREATE UNIQUE INDEX "overrides_one_per_feature" ON "overrides" USING btree ("tenant_id","feature") WHERE ended_at is null;--> statement-breakpoint
CREATE INDEX "entries_by_parent" ON "entries" USING btree ("tenant_id","parent_id") WHERE parent_id is not null;--> statement-breakpoint
UPDATE "meters" m SET "plan_allowance" = "allowance", "carried_from" = "window_starts_at", "overflow_cost" = "overflow_credits",
	"beyond" = coalesce((SELECT sum(e."beyond_units") FROM "entries" e WHERE e."tenant_id" = m."tenant_id" AND e."feature" = m."feature" AND e."window_starts_at" >= m."window_starts_at"), 0);--> statement-breakpoint
ALTER TABLE "meters" ALTER COLUMN "carried_from" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "meters" DROP COLUMN "overflow_credits";