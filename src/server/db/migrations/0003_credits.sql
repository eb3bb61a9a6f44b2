CREATE TABLE "operator_deeds" (
	"key" text collate "C" PRIMARY KEY NOT NULL,
	"action" text NOT NULL,
	"actor" text NOT NULL,
	"reason" text NOT NULL,
	"request_hash" text NOT NULL,
	"answer" jsonb,
	"created_at" timestamp (3) with time zone NOT NULL
);--> statement-breakpoint
CREATE TABLE "auto_top_ups" (
	"tenant_id" text collate "C" NOT NULL,
	"enabled_at" timestamp (3) with time zone,
	"threshold" bigint NOT NULL,
	"pack_id" text NOT NULL,
	"credits" bigint NOT NULL,
	"price_minor" bigint NOT NULL,
	"currency" text NOT NULL,
	"monthly_cap_minor" bigint NOT NULL,
	"stopped_at" timestamp (3) with time zone,
	"stopped_order_id" text,
	"stopped_reason" text,
	"stopped_code" text,
	"stopped_message" text,
	"card_brand" text,
	"card_last4" text,
	"updated_by" text NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "auto_top_ups_tenant_id_pk" PRIMARY KEY("tenant_id")
);--> statement-breakpoint
CREATE TABLE "disputes" (
	"tenant_id" text collate "C" NOT NULL,
	"dispute_id" text NOT NULL,
	"order_id" text collate "C" NOT NULL,
	"amount_minor" bigint NOT NULL,
	"status" text NOT NULL,
	"reason" text NOT NULL,
	"opened_at" timestamp (3) with time zone NOT NULL,
	"closed_at" timestamp (3) with time zone,
	CONSTRAINT "disputes_tenant_id_order_id_dispute_id_pk" PRIMARY KEY("tenant_id","order_id","dispute_id")
);--> statement-breakpoint
CREATE TABLE "order_lines" (
	"tenant_id" text collate "C" NOT NULL,
	"order_id" text collate "C" NOT NULL,
	"line" integer NOT NULL,
	"kind" text NOT NULL,
	"name" text NOT NULL,
	"credits" bigint,
	"credits_expire_after_days" integer,
	"plan_version" text,
	"days" integer,
	"amount_minor" bigint NOT NULL,
	"lookup_key" text,
	"days_taken_back" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "order_lines_tenant_id_order_id_line_pk" PRIMARY KEY("tenant_id","order_id","line"),
	CONSTRAINT "order_lines_days_taken_back" CHECK ("order_lines"."days_taken_back" between 0 and coalesce("order_lines"."days", 0)),
	CONSTRAINT "order_lines_sells_its_kind" CHECK (("order_lines"."kind" = 'credits') = ("order_lines"."credits" is not null) and ("order_lines"."kind" = 'plan') = ("order_lines"."plan_version" is not null))
);--> statement-breakpoint
CREATE TABLE "orders" (
	"tenant_id" text collate "C" NOT NULL,
	"id" text collate "C" NOT NULL,
	"status" text NOT NULL,
	"origin" text NOT NULL,
	"provider" text NOT NULL,
	"currency" text NOT NULL,
	"total_minor" bigint NOT NULL,
	"tax_minor" bigint DEFAULT 0 NOT NULL,
	"payment_id" text,
	"created_by" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"paid_at" timestamp (3) with time zone,
	"fulfilled_at" timestamp (3) with time zone,
	"failed_reason" text,
	"money_back_minor" bigint DEFAULT 0 NOT NULL,
	"money_back_asked" integer DEFAULT 0 NOT NULL,
	"money_back_seen" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "orders_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "orders_one_per_payment" UNIQUE("tenant_id","payment_id"),
	CONSTRAINT "orders_paid_when_fulfilled" CHECK (("orders"."fulfilled_at" is null) = ("orders"."paid_at" is null))
);--> statement-breakpoint
CREATE TABLE "refunds" (
	"tenant_id" text collate "C" NOT NULL,
	"refund_id" text NOT NULL,
	"order_id" text collate "C" NOT NULL,
	"amount_minor" bigint NOT NULL,
	"status" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "refunds_tenant_id_order_id_refund_id_pk" PRIMARY KEY("tenant_id","order_id","refund_id")
);--> statement-breakpoint
CREATE TABLE "top_up_attempts" (
	"tenant_id" text collate "C" NOT NULL,
	"order_id" text collate "C" NOT NULL,
	"status" text NOT NULL,
	"amount_minor" bigint NOT NULL,
	"currency" text NOT NULL,
	"credits" bigint NOT NULL,
	"payment_method_id" text,
	"payment_id" text,
	"key_number" integer DEFAULT 1 NOT NULL,
	"tries" integer DEFAULT 0 NOT NULL,
	"failed_reason" text,
	"failed_message" text,
	"lease_ends_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone NOT NULL,
	"finished_at" timestamp (3) with time zone,
	CONSTRAINT "top_up_attempts_tenant_id_order_id_pk" PRIMARY KEY("tenant_id","order_id"),
	CONSTRAINT "top_up_attempts_tenantId_paymentId_unique" UNIQUE("tenant_id","payment_id")
);--> statement-breakpoint
CREATE TABLE "awaited_credits" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"email" text NOT NULL,
	"credits" bigint NOT NULL,
	"kind" text NOT NULL,
	"lot_expires_after_days" integer,
	"reason" text NOT NULL,
	"made_by" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone,
	"claimed_by" text collate "C",
	"claimed_at" timestamp (3) with time zone,
	"withdrawn_at" timestamp (3) with time zone,
	CONSTRAINT "awaited_credits_range" CHECK ("awaited_credits"."credits" > 0),
	CONSTRAINT "awaited_credits_one_end" CHECK ("awaited_credits"."claimed_at" is null or "awaited_credits"."withdrawn_at" is null)
);--> statement-breakpoint
CREATE TABLE "code_attempts" (
	"tenant_id" text collate "C" NOT NULL,
	"count" integer NOT NULL,
	"window_ends_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "code_attempts_tenant_id_pk" PRIMARY KEY("tenant_id")
);--> statement-breakpoint
CREATE TABLE "credit_accounts" (
	"tenant_id" text collate "C" NOT NULL,
	"low_at" bigint,
	"low_told_at" timestamp (3) with time zone,
	"top_up_at" bigint,
	"top_up_due_at" timestamp (3) with time zone,
	CONSTRAINT "credit_accounts_tenant_id_pk" PRIMARY KEY("tenant_id")
);--> statement-breakpoint
CREATE TABLE "promo_codes" (
	"code" text collate "C" PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"credits" bigint NOT NULL,
	"valid_from" timestamp (3) with time zone NOT NULL,
	"valid_until" timestamp (3) with time zone,
	"lot_expires_after_days" integer,
	"lot_expires_at" timestamp (3) with time zone,
	"max_redemptions" integer,
	"redemptions" integer DEFAULT 0 NOT NULL,
	"made_by" text NOT NULL,
	"reason" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"ended_at" timestamp (3) with time zone,
	CONSTRAINT "promo_codes_redemptions_range" CHECK ("promo_codes"."redemptions" between 0 and coalesce("promo_codes"."max_redemptions", 2147483647)),
	CONSTRAINT "promo_codes_credits_range" CHECK ("promo_codes"."credits" > 0),
	CONSTRAINT "promo_codes_one_expiry" CHECK ("promo_codes"."lot_expires_after_days" is null or "promo_codes"."lot_expires_at" is null)
);--> statement-breakpoint
CREATE TABLE "promo_redemptions" (
	"tenant_id" text collate "C" NOT NULL,
	"code" text collate "C" NOT NULL,
	"lot_id" text collate "C" NOT NULL,
	"redeemed_by" text NOT NULL,
	"redeemed_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "promo_redemptions_tenant_id_code_pk" PRIMARY KEY("tenant_id","code")
);--> statement-breakpoint
CREATE TABLE "replenishments" (
	"tenant_id" text collate "C" NOT NULL,
	"unit" text collate "C" NOT NULL,
	"units" bigint,
	"every" text NOT NULL,
	"anchor_at" timestamp (3) with time zone NOT NULL,
	"time_zone" text NOT NULL,
	"plan_ends_at" timestamp (3) with time zone,
	"period_starts_at" timestamp (3) with time zone NOT NULL,
	"period_ends_at" timestamp (3) with time zone NOT NULL,
	"lot_id" text collate "C",
	CONSTRAINT "replenishments_tenant_id_unit_pk" PRIMARY KEY("tenant_id","unit"),
	CONSTRAINT "replenishments_units_range" CHECK ("replenishments"."units" > 0)
);--> statement-breakpoint
CREATE TABLE "tenant_blocks" (
	"tenant_id" text collate "C" NOT NULL,
	"reason" text NOT NULL,
	"actor" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "tenant_blocks_tenant_id_reason_pk" PRIMARY KEY("tenant_id","reason")
);--> statement-breakpoint
CREATE TABLE "debts" (
	"tenant_id" text collate "C" NOT NULL,
	"id" text collate "C" NOT NULL,
	"unit" text collate "C" NOT NULL,
	"lot_id" text collate "C" NOT NULL,
	"amount" bigint NOT NULL,
	"outstanding" bigint NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"settled_at" timestamp (3) with time zone,
	CONSTRAINT "debts_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "debts_one_per_lot" UNIQUE("tenant_id","lot_id"),
	CONSTRAINT "debts_outstanding_range" CHECK ("debts"."outstanding" between 0 and "debts"."amount"),
	CONSTRAINT "debts_settled_when_paid" CHECK (("debts"."settled_at" is not null) = ("debts"."outstanding" = 0))
);--> statement-breakpoint
CREATE TABLE "trial_days" (
	"counted_on" date NOT NULL,
	"share" smallint NOT NULL,
	"begun" integer NOT NULL,
	CONSTRAINT "trial_days_counted_on_share_pk" PRIMARY KEY("counted_on","share")
);--> statement-breakpoint
CREATE TABLE "trial_networks" (
	"counted_on" date NOT NULL,
	"network" text NOT NULL,
	"begun" integer NOT NULL,
	CONSTRAINT "trial_networks_counted_on_network_pk" PRIMARY KEY("counted_on","network")
);--> statement-breakpoint
CREATE TABLE "trial_spends" (
	"trial_id" text collate "C" NOT NULL,
	"key" text collate "C" NOT NULL,
	"units" bigint NOT NULL,
	"remaining_after" bigint NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "trial_spends_trial_id_key_pk" PRIMARY KEY("trial_id","key")
);--> statement-breakpoint
CREATE TABLE "trials" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"granted" bigint NOT NULL,
	"remaining" bigint NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"ends_at" timestamp (3) with time zone NOT NULL,
	"carried_over_at" timestamp (3) with time zone,
	CONSTRAINT "trials_remaining_range" CHECK ("trials"."remaining" between 0 and "trials"."granted")
);--> statement-breakpoint
ALTER TABLE "meters" ALTER COLUMN "fast_limit" DROP DEFAULT;--> statement-breakpoint
ALTER TABLE "meters" drop column "fast_limit";--> statement-breakpoint
ALTER TABLE "meters" ALTER COLUMN "fast_until" DROP DEFAULT;--> statement-breakpoint
ALTER TABLE "meters" drop column "fast_until";--> statement-breakpoint
ALTER TABLE "checkouts" ADD COLUMN "order_id" text collate "C";--> statement-breakpoint
ALTER TABLE "lots" ADD COLUMN "taken_back" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "lots" ADD COLUMN "written_off" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "lots" ADD COLUMN "repaid" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "meters" ADD COLUMN "plan_ends_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "meters" ADD COLUMN "refill_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "tenant_plans" ADD COLUMN "ends_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "auto_top_ups" ADD CONSTRAINT "auto_top_ups_tenant_id_tenants_tenant_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("tenant_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "disputes" ADD CONSTRAINT "disputes_tenant_id_order_id_orders_tenant_id_id_fk" FOREIGN KEY ("tenant_id","order_id") REFERENCES "public"."orders"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "order_lines" ADD CONSTRAINT "order_lines_tenant_id_order_id_orders_tenant_id_id_fk" FOREIGN KEY ("tenant_id","order_id") REFERENCES "public"."orders"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "orders" ADD CONSTRAINT "orders_tenant_id_tenants_tenant_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("tenant_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "refunds" ADD CONSTRAINT "refunds_tenant_id_order_id_orders_tenant_id_id_fk" FOREIGN KEY ("tenant_id","order_id") REFERENCES "public"."orders"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "top_up_attempts" ADD CONSTRAINT "top_up_attempts_tenant_id_order_id_orders_tenant_id_id_fk" FOREIGN KEY ("tenant_id","order_id") REFERENCES "public"."orders"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "code_attempts" ADD CONSTRAINT "code_attempts_tenant_id_tenants_tenant_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("tenant_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "credit_accounts" ADD CONSTRAINT "credit_accounts_tenant_id_tenants_tenant_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("tenant_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "promo_redemptions" ADD CONSTRAINT "promo_redemptions_tenant_id_tenants_tenant_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("tenant_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "replenishments" ADD CONSTRAINT "replenishments_tenant_id_tenants_tenant_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("tenant_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tenant_blocks" ADD CONSTRAINT "tenant_blocks_tenant_id_tenants_tenant_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("tenant_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "debts" ADD CONSTRAINT "debts_tenant_id_lot_id_lots_tenant_id_id_fk" FOREIGN KEY ("tenant_id","lot_id") REFERENCES "public"."lots"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "trial_spends" ADD CONSTRAINT "trial_spends_trial_id_trials_id_fk" FOREIGN KEY ("trial_id") REFERENCES "public"."trials"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "top_up_attempts_one_in_flight" ON "top_up_attempts" USING btree ("tenant_id") WHERE status = 'in_flight';--> statement-breakpoint
CREATE INDEX "top_up_attempts_by_month" ON "top_up_attempts" USING btree ("tenant_id","created_at");--> statement-breakpoint
CREATE INDEX "awaited_credits_open" ON "awaited_credits" USING btree ("email") WHERE claimed_at is null and withdrawn_at is null;--> statement-breakpoint
CREATE INDEX "credit_accounts_due" ON "credit_accounts" USING btree ("tenant_id") WHERE top_up_due_at is not null;--> statement-breakpoint
CREATE INDEX "debts_open" ON "debts" USING btree ("tenant_id","unit","created_at","id") WHERE outstanding > 0;--> statement-breakpoint
CREATE INDEX "trials_by_end" ON "trials" USING btree ("ends_at");--> statement-breakpoint
ALTER TABLE "checkouts" ADD CONSTRAINT "checkouts_tenant_id_order_id_orders_tenant_id_id_fk" FOREIGN KEY ("tenant_id","order_id") REFERENCES "public"."orders"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "tenant_plans_ending" ON "tenant_plans" USING btree ("tenant_id","ends_at") WHERE ends_at is not null;--> statement-breakpoint
ALTER TABLE "checkouts" ADD CONSTRAINT "checkouts_one_per_order" UNIQUE("tenant_id","order_id");
