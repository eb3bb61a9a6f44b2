import type Stripe from "stripe";
import type { KeyFor } from "@/lib/derived-keys";
import type { TenantId } from "@/lib/ids";
import type { PriceList } from "@/lib/price-list";
import type { Database, Tx } from "./db/client";

export type Role = "owner" | "admin" | "billing" | "member";

/** Who acts. Written into every entry and audit row through {@link actorName}. */
export type Actor =
  | { kind: "user"; userId: string }
  | { kind: "apiKey"; apiKeyId: string }
  /** Whoever runs the product, in a workspace that is not theirs. */
  | { kind: "operator"; userId: string }
  | { kind: "webhook"; provider: string; eventId: string }
  | { kind: "cron"; job: string }
  | { kind: "system"; reason: string }
  | { kind: "anonymous" };

export interface TenantRef {
  id: TenantId;
  slug: string;
  /** IANA name; calendar windows are computed in it. */
  timeZone: string;
  /** null for cron, webhooks and other actors that are not members. */
  role: Role | null;
}

/** What the process offers, made once by `runtime.ts`, or by a test with another clock and price list. */
export interface Runtime {
  db: Database;
  now: () => Date;
  prices: PriceList;
  stripe: Stripe;
  /** The app's own origin, without a trailing slash. */
  appUrl: string;
  /** Keys derived from AUTH_SECRET. */
  keyFor: KeyFor;
  /** The header in which the operator's own proxy tells the client's address; null: nobody's word counts. */
  clientAddressHeader: string | null;
  /** Proven e-mails, lower-case, of those who run the product; left out: nobody does. */
  operatorEmails?: readonly string[];
  /** Where notifications are mailed; left out: they are shown, and their mails wait. */
  mail?: { smtpUrl: string; from: string };
}

/** What every verb gets. `tx` is the caller's open transaction, when there is one. */
export interface Ctx extends Runtime {
  actor: Actor;
  tenant?: TenantRef;
  tx?: Tx;
}

export interface TenantCtx extends Ctx {
  tenant: TenantRef;
}

/** The same ctx for HTTP, server components, webhooks, cron and tests. */
export function createCtx(runtime: Runtime, actor: Actor): Ctx {
  return { ...runtime, actor };
}

export function actorName(actor: Actor): string {
  switch (actor.kind) {
    case "user":
      return `user:${actor.userId}`;
    case "apiKey":
      return `api_key:${actor.apiKeyId}`;
    case "operator":
      return `operator:${actor.userId}`;
    case "webhook":
      return `webhook:${actor.provider}:${actor.eventId}`;
    case "cron":
      return `cron:${actor.job}`;
    case "system":
      return `system:${actor.reason}`;
    case "anonymous":
      return "anonymous";
  }
}
