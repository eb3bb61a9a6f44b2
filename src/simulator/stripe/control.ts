import type Stripe from "stripe";
import { expireCard } from "./billing/cards";
import { advanceTo, nextDue, settleDue } from "./billing/due";
import {
  type DisputeRequest,
  type DisputeStatus,
  openDispute,
  setDisputeStatus,
  settleRefund,
} from "./billing/money-back";
import { type ApiFault, DEFAULT_MODE, type DeliveryMode, type Dunning, type RefundStart } from "./settings";
import type { World } from "./world";

/** What tests and the development panel may do to the simulated Stripe. */
export interface Control {
  /** Changes some of the delivery settings; the others stay. */
  setMode(mode: Partial<DeliveryMode>): void;
  /** Declines the next n charges, whatever the card. */
  declineNext(count: number): void;
  /** What becomes of renewals that fail, from now on. */
  setDunning(dunning: Dunning): void;
  /** Makes a stored card expire at an instant: its month is shown, and from then on it is declined. */
  expireCard(paymentMethod: string, at: Date): Stripe.PaymentMethod;
  /** Moves the clock forward and does what falls due on the way. */
  advanceTo(date: Date): Promise<void>;
  /** Delivers an event again. */
  resend(eventId: string): void;
  /** Makes n API requests fail: the next ones, or those after the next `after`. */
  failNext(kind: ApiFault, count: number, after?: number): void;
  /** Makes the next n refunds begin like this. */
  nextRefunds(start: RefundStart, count?: number): void;
  /** Ends a pending refund, or sends back one that had succeeded. */
  settleRefund(refundId: string, status: "succeeded" | "failed"): Stripe.Refund;
  /** Opens a dispute of a payment. */
  openDispute(request: DisputeRequest): Stripe.Dispute;
  /** What becomes of a dispute: `won`, `lost`, `under_review` … */
  setDispute(disputeId: string, status: DisputeStatus): Stripe.Dispute;
  /** Resolves when all deliveries have settled; held ones don't count. */
  flush(): Promise<void>;
  /** The simulated instant. */
  now(): Date;
  /** What happens next by itself, and when; null when nothing will. */
  nextDue(): { at: Date; what: string } | null;
}

export function createControl(world: World, onChange: () => void): Control {
  return {
    setMode: (mode) => {
      Object.assign(world.settings.mode, mode);
      world.deliveries.wake();
    },
    declineNext: (count) => {
      world.settings.declineNext = count;
    },
    setDunning: (dunning) => {
      world.settings.dunning = dunning;
    },
    expireCard: (paymentMethod, at) => {
      const method = expireCard(world, paymentMethod, Math.floor(at.getTime() / 1000));
      onChange();
      return method;
    },
    advanceTo: async (date) => {
      advanceTo(world, Math.floor(date.getTime() / 1000));
      onChange();
    },
    resend: (eventId) => {
      const event = world.get("event", eventId);
      for (const endpoint of world.deliveries.endpointsFor(event.type))
        world.deliveries.enqueue(event.id, endpoint.id);
      onChange();
    },
    failNext: (kind, count, after = 0) => {
      world.settings.apiFaults.push(
        ...Array.from({ length: after }, () => null),
        ...Array.from({ length: count }, () => kind),
      );
    },
    nextRefunds: (start, count = 1) => {
      world.settings.nextRefunds.push(...Array.from({ length: count }, () => start));
    },
    settleRefund: (refundId, status) => settleRefund(world, refundId, status),
    openDispute: (request) => openDispute(world, request),
    setDispute: (disputeId, status) => setDisputeStatus(world, disputeId, status),
    flush: () => world.deliveries.flush(),
    now: () => {
      settleDue(world, world.now());
      return new Date(world.now() * 1000);
    },
    nextDue: () => {
      const due = nextDue(world);
      return due && { at: new Date(due.at * 1000), what: due.what };
    },
  };
}

type ControlBody = {
  mode?: Partial<DeliveryMode>;
  count?: number;
  after?: number;
  date?: string;
  eventId?: string;
  paymentMethod?: string;
  dunning?: Dunning;
  kind?: ApiFault;
  refundId?: string;
  disputeId?: string;
  status?: string;
} & Partial<DisputeRequest>;

function isInstant(date: string | undefined): date is string {
  return date !== undefined && !Number.isNaN(Date.parse(date));
}

/** The control API over HTTP, under `/__sim/`. @returns null for an unknown command. */
export async function runControlCommand(
  world: World,
  control: Control,
  command: string,
  body: ControlBody,
): Promise<object | null> {
  switch (command) {
    case "report":
      return {
        now: control.now().toISOString(),
        mode: world.settings.mode,
        events: world.store.all("event").length,
        deliveries: world.deliveries.attempts,
        violations: world.violations,
      };
    case "due":
      return {
        now: control.now().toISOString(),
        next: control.nextDue(),
        events: world.store.all("event").length,
      };
    case "mode":
      control.setMode(body.mode ?? DEFAULT_MODE);
      return { mode: world.settings.mode };
    case "decline-next":
      control.declineNext(body.count ?? 1);
      return { declineNext: world.settings.declineNext };
    case "dunning":
      if (body.dunning) control.setDunning(body.dunning);
      return { dunning: world.settings.dunning };
    case "expire-card":
      if (!isInstant(body.date)) return { error: "date must be an ISO instant" };
      return control.expireCard(body.paymentMethod ?? "", new Date(body.date));
    case "advance":
      if (!isInstant(body.date)) return { error: "date must be an ISO instant" };
      await control.advanceTo(new Date(body.date));
      return { now: control.now().toISOString() };
    case "resend":
      control.resend(body.eventId ?? "");
      return { resent: body.eventId };
    case "fail-next":
      control.failNext(body.kind ?? "500", body.count ?? 1, body.after ?? 0);
      return { faults: world.settings.apiFaults };
    case "next-refunds":
      control.nextRefunds(body.status === "failed" ? "failed" : "pending", body.count ?? 1);
      return { nextRefunds: world.settings.nextRefunds };
    case "settle-refund":
      return control.settleRefund(body.refundId ?? "", body.status === "failed" ? "failed" : "succeeded");
    case "open-dispute":
      return control.openDispute({ ...body, payment: body.payment ?? "" });
    case "set-dispute":
      return control.setDispute(body.disputeId ?? "", body.status ?? "won");
    case "flush":
      await control.flush();
      return { flushed: true };
    default:
      return null;
  }
}
