import { desc, inArray } from "drizzle-orm";
import type Stripe from "stripe";
import { z } from "zod";
import { formatMoney } from "@/lib/money";
import type { Ctx } from "../context";
import { customerDirectory } from "../stripe/tables";
import { webhookInbox } from "../webhooks/tables";
import type { Moment } from "./moment";

/** What is read of an event; of another shape it is shown by its type alone. */
const told = z.object({
  created: z.number(),
  data: z.object({
    object: z.object({
      id: z.string(),
      object: z.string(),
      customer: z.string().nullish(),
      billing_reason: z.string().nullish(),
      amount_due: z.number().nullish(),
      currency: z.string().nullish(),
      hosted_invoice_url: z.string().nullish(),
    }),
  }),
});
type Told = z.infer<typeof told>;
type Row = typeof webhookInbox.$inferSelect;
type Homes = ReadonlyMap<string, { slug: string; name: string }>;

const RENEWALS: Readonly<Record<string, string>> = {
  "invoice.paid": "Renewal paid",
  "invoice.payment_failed": "Renewal not paid",
};

/** What Stripe said, the latest first. @param homes workspaces by tenant */
export async function stripeMoments(ctx: Ctx, limit: number, homes: Homes): Promise<Moment[]> {
  const rows = await ctx.db.orm
    .select()
    .from(webhookInbox)
    .orderBy(desc(webhookInbox.receivedAt))
    .limit(limit);
  const events = await Promise.all(
    rows.map(async (row) => ({
      row,
      event: told.safeParse(row.payload ?? (await lookUp(ctx, row))).data ?? null,
    })),
  );
  const tenants = await tenantsOf(
    ctx,
    events.flatMap(({ event }) => customerOf(event) ?? []),
  );
  return events.map(({ row, event }) => {
    const home = homes.get(tenants.get(customerOf(event) ?? "") ?? "") ?? null;
    return momentOf(row, event, home);
  });
}

/** Events that were asked for again, by whom they were asked of. */
const lookedUp = new WeakMap<Stripe, Map<string, Stripe.Event>>();

/** The inbox empties old events. Of those that tell a renewal Stripe is asked again, once. */
async function lookUp({ stripe }: Ctx, { eventId, type }: Row): Promise<unknown> {
  if (!Object.hasOwn(RENEWALS, type)) return null;
  const known = lookedUp.get(stripe) ?? new Map<string, Stripe.Event>();
  lookedUp.set(stripe, known);
  const event = known.get(eventId) ?? (await stripe.events.retrieve(eventId).catch(() => null));
  if (event) known.set(eventId, event);
  return event;
}

function momentOf(row: Row, event: Told | null, home: Moment["workspace"]): Moment {
  const object = event?.data.object;
  const renewal = object?.billing_reason === "subscription_cycle" ? RENEWALS[row.type] : undefined;
  const amount =
    object?.amount_due != null && object.currency
      ? formatMoney({ amountMinor: BigInt(object.amount_due), currency: object.currency })
      : null;
  return {
    id: row.eventId,
    at: event ? new Date(event.created * 1_000) : row.receivedAt,
    kind: renewal ? "renewal" : "webhook",
    title: renewal ? `${renewal}: ${amount}` : row.type,
    detail: [object?.id, row.status, row.status === "ignored" ? null : row.lastError]
      .filter(Boolean)
      .join(" · "),
    workspace: home,
    href: object?.hosted_invoice_url ?? (home && `/${home.slug}/billing`),
  };
}

function customerOf(event: Told | null): string | null {
  if (!event) return null;
  const { id, object, customer } = event.data.object;
  return object === "customer" ? id : (customer ?? null);
}

async function tenantsOf(ctx: Ctx, customerIds: readonly string[]): Promise<Map<string, string>> {
  if (customerIds.length === 0) return new Map();
  const rows = await ctx.db.orm
    .select()
    .from(customerDirectory)
    .where(inArray(customerDirectory.customerId, [...new Set(customerIds)]));
  return new Map(rows.map(({ customerId, tenant }) => [customerId, tenant]));
}
