CREATE TABLE "notification_preferences" (
	"tenant_id" text collate "C" NOT NULL,
	"user_id" text NOT NULL,
	"kind" text NOT NULL,
	"mail" boolean NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "notification_preferences_tenant_id_user_id_kind_pk" PRIMARY KEY("tenant_id","user_id","kind")
);--> statement-breakpoint
CREATE TABLE "notifications" (
	"tenant_id" text collate "C" NOT NULL,
	"user_id" text NOT NULL,
	"message_id" text collate "C" NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"read_at" timestamp (3) with time zone,
	"mail_due_at" timestamp (3) with time zone,
	"mail_lease_ends_at" timestamp (3) with time zone,
	"mail_attempts" integer DEFAULT 0 NOT NULL,
	"mailed_at" timestamp (3) with time zone,
	"mail_given_up_at" timestamp (3) with time zone,
	"mail_error" text,
	CONSTRAINT "notifications_tenant_id_user_id_message_id_pk" PRIMARY KEY("tenant_id","user_id","message_id")
);--> statement-breakpoint
CREATE TABLE "drifts" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"subject" text NOT NULL,
	"customer_id" text,
	"ours" text NOT NULL,
	"theirs" text NOT NULL,
	"found_at" timestamp (3) with time zone NOT NULL,
	"healed_at" timestamp (3) with time zone,
	"how" text
);--> statement-breakpoint
CREATE TABLE "walks" (
	"name" text PRIMARY KEY NOT NULL,
	"position" text NOT NULL,
	"moved_at" timestamp (3) with time zone NOT NULL
);--> statement-breakpoint
CREATE TABLE "dunnings" (
	"tenant_id" text collate "C" NOT NULL,
	"invoice_id" text NOT NULL,
	"subscription_id" text NOT NULL,
	"past_due_since" timestamp (3) with time zone NOT NULL,
	"purchases_stop_at" timestamp (3) with time zone NOT NULL,
	"plan_ends_at" timestamp (3) with time zone NOT NULL,
	"amount_minor" bigint NOT NULL,
	"currency" text NOT NULL,
	"pay_url" text,
	"next_attempt_at" timestamp (3) with time zone,
	"due_at" timestamp (3) with time zone,
	"ending_at" timestamp (3) with time zone,
	"closed_at" timestamp (3) with time zone,
	"outcome" text,
	CONSTRAINT "dunnings_tenant_id_invoice_id_pk" PRIMARY KEY("tenant_id","invoice_id")
);--> statement-breakpoint
CREATE TABLE "add_on_invoices" (
	"tenant_id" text collate "C" NOT NULL,
	"id" text collate "C" NOT NULL,
	"key" text collate "C" NOT NULL,
	"status" text NOT NULL,
	"lines" jsonb NOT NULL,
	"currency" text NOT NULL,
	"due_in_days" integer,
	"invoice_id" text,
	"total_minor" bigint,
	"due_at" timestamp (3) with time zone,
	"void_asked_at" timestamp (3) with time zone,
	"failed_reason" text,
	"created_by" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"finished_at" timestamp (3) with time zone,
	CONSTRAINT "add_on_invoices_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "add_on_invoices_tenantId_key_unique" UNIQUE("tenant_id","key"),
	CONSTRAINT "add_on_invoices_tenantId_invoiceId_unique" UNIQUE("tenant_id","invoice_id")
);--> statement-breakpoint
CREATE TABLE "invoice_credits" (
	"tenant_id" text collate "C" NOT NULL,
	"id" text collate "C" NOT NULL,
	"key" text collate "C" NOT NULL,
	"status" text NOT NULL,
	"invoice_id" text NOT NULL,
	"amount_minor" bigint NOT NULL,
	"currency" text NOT NULL,
	"give" text NOT NULL,
	"payment_id" text,
	"memo" text,
	"plan" text NOT NULL,
	"subscription_id" text,
	"credit_note_id" text,
	"failed_reason" text,
	"created_by" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"finished_at" timestamp (3) with time zone,
	CONSTRAINT "invoice_credits_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "invoice_credits_tenantId_key_unique" UNIQUE("tenant_id","key")
);--> statement-breakpoint
CREATE TABLE "invoices" (
	"tenant_id" text collate "C" NOT NULL,
	"invoice_id" text NOT NULL,
	"status" text,
	"subscription_id" text,
	"payment_id" text,
	"currency" text,
	"total_minor" bigint,
	"due_minor" bigint,
	"credited_minor" bigint,
	"created_at" timestamp (3) with time zone,
	"paid_at" timestamp (3) with time zone,
	"asked" integer NOT NULL,
	"seen" integer NOT NULL,
	"synced_at" timestamp (3) with time zone,
	CONSTRAINT "invoices_tenant_id_invoice_id_pk" PRIMARY KEY("tenant_id","invoice_id")
);--> statement-breakpoint
CREATE TABLE "kept_versions" (
	"tenant_id" text collate "C" NOT NULL,
	"plan_version" text NOT NULL,
	"reason" text NOT NULL,
	"actor" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "kept_versions_tenant_id_plan_version_pk" PRIMARY KEY("tenant_id","plan_version")
);--> statement-breakpoint
CREATE TABLE "plan_move_tenants" (
	"tenant_id" text collate "C" NOT NULL,
	"move_id" text collate "C" NOT NULL,
	"from_version" text NOT NULL,
	"to_version" text NOT NULL,
	"stage" integer NOT NULL,
	"status" text NOT NULL,
	"not_before" timestamp (3) with time zone NOT NULL,
	"effective_at" timestamp (3) with time zone,
	"in_force_at" timestamp (3) with time zone,
	"aside_until" timestamp (3) with time zone,
	"why" text,
	"due_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "plan_move_tenants_tenant_id_move_id_pk" PRIMARY KEY("tenant_id","move_id")
);--> statement-breakpoint
CREATE TABLE "plan_moves" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"from_version" text,
	"to_version" text NOT NULL,
	"effective" text NOT NULL,
	"notice_days" integer NOT NULL,
	"status" text NOT NULL,
	"share" integer,
	"stage" integer DEFAULT 0 NOT NULL,
	"reason" text NOT NULL,
	"created_by" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"finished_at" timestamp (3) with time zone
);--> statement-breakpoint
CREATE TABLE "agreed_ends" (
	"tenant_id" text collate "C" NOT NULL,
	"order_id" text collate "C" NOT NULL,
	"subscription_id" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"done_at" timestamp (3) with time zone,
	CONSTRAINT "agreed_ends_tenant_id_order_id_pk" PRIMARY KEY("tenant_id","order_id")
);--> statement-breakpoint
CREATE TABLE "plan_changes" (
	"tenant_id" text collate "C" NOT NULL,
	"id" text collate "C" NOT NULL,
	"preview" text NOT NULL,
	"status" text NOT NULL,
	"subscription_id" text NOT NULL,
	"from_version" text,
	"to_version" text NOT NULL,
	"interval" text NOT NULL,
	"effective_at" timestamp (3) with time zone NOT NULL,
	"total_minor" bigint NOT NULL,
	"currency" text NOT NULL,
	"request" jsonb NOT NULL,
	"invoice_id" text,
	"pay_url" text,
	"failed_reason" text,
	"created_by" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"finished_at" timestamp (3) with time zone,
	CONSTRAINT "plan_changes_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);--> statement-breakpoint
CREATE TABLE "subscription_trials" (
	"tenant_id" text collate "C" NOT NULL,
	"subscription_id" text NOT NULL,
	"ends_at" timestamp (3) with time zone NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"refused_at" timestamp (3) with time zone,
	"ended_at" timestamp (3) with time zone,
	CONSTRAINT "subscription_trials_tenant_id_subscription_id_pk" PRIMARY KEY("tenant_id","subscription_id")
);--> statement-breakpoint
CREATE TABLE "trial_subject_directory" (
	"subject" text PRIMARY KEY NOT NULL,
	"tenant" text NOT NULL
);--> statement-breakpoint
ALTER TABLE "webhook_inbox" ALTER COLUMN "payload" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "subscriptions" ADD COLUMN "paid_quantity" bigint DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "subscriptions" ADD COLUMN "seat_feature" text;--> statement-breakpoint
ALTER TABLE "subscriptions" ADD COLUMN "seats_at_least" bigint DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "subscriptions" ADD COLUMN "begins_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "subscriptions" ADD COLUMN "paused_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "subscriptions" ADD COLUMN "paid_until" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "subscriptions" ADD COLUMN "resumes_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "subscriptions" ADD COLUMN "change_kind" text;--> statement-breakpoint
ALTER TABLE "subscriptions" ADD COLUMN "change_plan_version" text;--> statement-breakpoint
ALTER TABLE "subscriptions" ADD COLUMN "change_interval" text;--> statement-breakpoint
ALTER TABLE "subscriptions" ADD COLUMN "change_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "subscriptions" ADD COLUMN "discounts" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "subscriptions" ADD COLUMN "pay_url" text;--> statement-breakpoint
ALTER TABLE "webhook_inbox" ADD COLUMN "keep" boolean DEFAULT true NOT NULL;--> statement-breakpoint
ALTER TABLE "notification_preferences" ADD CONSTRAINT "notification_preferences_member" FOREIGN KEY ("tenant_id","user_id") REFERENCES "public"."members"("tenant_id","user_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "notifications" ADD CONSTRAINT "notifications_message" FOREIGN KEY ("tenant_id","message_id") REFERENCES "public"."outbox"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "notifications" ADD CONSTRAINT "notifications_member" FOREIGN KEY ("tenant_id","user_id") REFERENCES "public"."members"("tenant_id","user_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "dunnings" ADD CONSTRAINT "dunnings_tenant_id_tenants_tenant_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("tenant_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "add_on_invoices" ADD CONSTRAINT "add_on_invoices_tenant_id_tenants_tenant_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("tenant_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "invoice_credits" ADD CONSTRAINT "invoice_credits_tenant_id_tenants_tenant_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("tenant_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "invoices" ADD CONSTRAINT "invoices_tenant_id_tenants_tenant_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("tenant_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "kept_versions" ADD CONSTRAINT "kept_versions_tenant_id_tenants_tenant_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("tenant_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "plan_move_tenants" ADD CONSTRAINT "plan_move_tenants_tenant_id_tenants_tenant_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("tenant_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agreed_ends" ADD CONSTRAINT "agreed_ends_tenant_id_order_id_orders_tenant_id_id_fk" FOREIGN KEY ("tenant_id","order_id") REFERENCES "public"."orders"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "plan_changes" ADD CONSTRAINT "plan_changes_tenant_id_tenants_tenant_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("tenant_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "subscription_trials" ADD CONSTRAINT "subscription_trials_tenant_id_tenants_tenant_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("tenant_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "notifications_mail_due" ON "notifications" USING btree ("tenant_id","mail_due_at") WHERE mail_due_at is not null;--> statement-breakpoint
CREATE INDEX "notifications_by_message" ON "notifications" USING btree ("tenant_id","message_id");--> statement-breakpoint
CREATE UNIQUE INDEX "drifts_one_open" ON "drifts" USING btree ("kind","subject") WHERE healed_at is null;--> statement-breakpoint
CREATE INDEX "drifts_by_customer" ON "drifts" USING btree ("customer_id") WHERE healed_at is null;--> statement-breakpoint
CREATE UNIQUE INDEX "dunnings_one_open" ON "dunnings" USING btree ("tenant_id","subscription_id") WHERE closed_at is null;--> statement-breakpoint
CREATE INDEX "dunnings_due" ON "dunnings" USING btree ("tenant_id") WHERE due_at is not null;--> statement-breakpoint
CREATE INDEX "add_on_invoices_unsettled" ON "add_on_invoices" USING btree ("tenant_id") WHERE status in ('asked', 'open', 'uncollectible');--> statement-breakpoint
CREATE INDEX "invoice_credits_unfinished" ON "invoice_credits" USING btree ("tenant_id") WHERE finished_at is null;--> statement-breakpoint
CREATE INDEX "invoices_asked" ON "invoices" USING btree ("tenant_id") WHERE asked > seen;--> statement-breakpoint
CREATE INDEX "plan_move_tenants_due" ON "plan_move_tenants" USING btree ("tenant_id","due_at") WHERE due_at is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "plan_changes_one_per_preview" ON "plan_changes" USING btree ("tenant_id","preview") WHERE status not in ('failed', 'dropped');--> statement-breakpoint
CREATE UNIQUE INDEX "plan_changes_one_asked" ON "plan_changes" USING btree ("tenant_id") WHERE status = 'asked';--> statement-breakpoint
CREATE INDEX "subscriptions_paused" ON "subscriptions" USING btree ("tenant_id") WHERE resumes_at is not null;--> statement-breakpoint
CREATE INDEX "subscriptions_by_the_seat" ON "subscriptions" USING btree ("tenant_id") WHERE seat_feature is not null;--> statement-breakpoint
CREATE INDEX "outbox_unsent" ON "outbox" USING btree ("tenant_id","id") WHERE sent_at is null;--> statement-breakpoint
CREATE INDEX "outbox_sent" ON "outbox" USING btree ("tenant_id","sent_at") WHERE sent_at is not null;--> statement-breakpoint
CREATE INDEX "webhook_inbox_by_time" ON "webhook_inbox" USING btree ("received_at","event_id");--> statement-breakpoint
CREATE INDEX "webhook_inbox_to_forget" ON "webhook_inbox" USING btree ("received_at") WHERE payload is not null and not keep;
