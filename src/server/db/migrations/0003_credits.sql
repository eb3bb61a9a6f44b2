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
);
--> statement-breakpoint
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
);
--> statement-breakpoint
CREATE TABLE "trial_days" (
	"counted_on" date NOT NULL,
	"share" smallint NOT NULL,
	"begun" integer NOT NULL,
	CONSTRAINT "trial_days_counted_on_share_pk" PRIMARY KEY("counted_on","share")
);
--> statement-breakpoint
CREATE TABLE "trial_networks" (
	"counted_on" date NOT NULL,
	"network" text NOT NULL,
	"begun" integer NOT NULL,
	CONSTRAINT "trial_networks_counted_on_network_pk" PRIMARY KEY("counted_on","network")
);
--> statement-breakpoint
CREATE TABLE "trial_spends" (
	"trial_id" text collate "C" NOT NULL,
	"key" text collate "C" NOT NULL,
	"units" bigint NOT NULL,
	"remaining_after" bigint NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "trial_spends_trial_id_key_pk" PRIMARY KEY("trial_id","key")
);
--> statement-breakpoint
CREATE TABLE "trials" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"granted" bigint NOT NULL,
	"remaining" bigint NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"ends_at" timestamp (3) with time zone NOT NULL,
	"carried_over_at" timestamp (3) with time zone,
	CONSTRAINT "trials_remaining_range" CHECK ("trials"."remaining" between 0 and "trials"."granted")
);
--> statement-breakpoint
ALTER TABLE "auto_top_ups" ADD CONSTRAINT "auto_top_ups_tenant_id_tenants_tenant_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("tenant_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "top_up_attempts" ADD CONSTRAINT "top_up_attempts_tenant_id_tenants_tenant_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("tenant_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "trial_spends" ADD CONSTRAINT "trial_spends_trial_id_trials_id_fk" FOREIGN KEY ("trial_id") REFERENCES "public"."trials"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "top_up_attempts_one_in_flight" ON "top_up_attempts" USING btree ("tenant_id") WHERE status = 'in_flight';--> statement-breakpoint
CREATE INDEX "top_up_attempts_by_month" ON "top_up_attempts" USING btree ("tenant_id","created_at");--> statement-breakpoint
CREATE INDEX "trials_by_end" ON "trials" USING btree ("ends_at");