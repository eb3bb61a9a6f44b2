import type { Interval } from "../stripe/rules";

export type MoveStatus = "chosen" | "told" | "scheduled" | "moved" | "kept" | "left" | "returning" | "undone";

/** A tenant's part in a move. */
export interface Part {
  status: MoveStatus;
  fromVersion: string;
  toVersion: string;
  notBefore: Date;
  /** Nothing is scheduled before: the tenant is about to change its plan by itself. */
  asideUntil: Date | null;
}

/** How a tenant stands, whatever the move wants of it. */
export interface Standing {
  source: "default" | "subscription" | "prepaid" | "operator";
  /** The version that it pays for, or was put on. */
  version: string;
  /** When prepaid days are over. */
  endsAt: Date | null;
  /** It was agreed that it keeps this version. */
  isKept: boolean;
  subscription: {
    status: string;
    interval: Interval;
    periodEndsAt: Date;
    cancelAt: Date | null;
    /** What it is about to become: by a schedule, or once an invoice is paid. */
    coming: { kind: "scheduled" | "payment_needed"; version: string | null; at: Date } | null;
  } | null;
}

export interface Move {
  effective: "next_renewal" | "now";
  isUndone: boolean;
  /** Whether a version is sold by the interval that the tenant pays by. */
  isSold: (version: string) => boolean;
}

/** Where a tenant's part has got to, and what is to be done for it. */
export interface Step {
  status: MoveStatus;
  /** `entitle`: puts it on `version` by ourselves. The other two are done at Stripe. */
  act: "entitle" | "schedule" | "release" | null;
  /** The version to be entitled to, scheduled, or taken out of its schedule. */
  version: string;
  effectiveAt: Date | null;
  /** Whether the new limits hold although the old version is paid for. */
  inForce: boolean;
  /** When to look again; null: only when something happens to it. */
  dueAt: Date | null;
  why: string | null;
}

const HOUR_MS = 3_600_000;
/**
 * A subscription gets its schedule so long before its renewal: late enough to stay out of the way of its own changes,
 * and early enough for a cron that was away.
 */
const LEAD_MS = 72 * HOUR_MS;

/** What comes next for one tenant: pure, so that whoever looks, however often, comes to the same. */
export function nextStep(part: Part, standing: Standing, move: Move, now: Date): Step {
  return move.isUndone ? backwards(part, standing, move, now) : forwards(part, standing, move, now);
}

function forwards(part: Part, standing: Standing, move: Move, now: Date): Step {
  const { fromVersion: from, toVersion: to, notBefore } = part;
  const rest = restOf(to);
  if (standing.version === to) return rest("moved");
  if (standing.version !== from) return rest(part.status === "moved" ? "moved" : "left");
  const release = isComing(standing, to) ? { act: "release" as const, dueAt: now } : {};
  if (standing.isKept) return { ...rest("kept"), ...release, why: "agreed" };
  const isOver = now >= notBefore;
  const inForce = move.effective === "now" && isOver;
  if (standing.subscription) {
    const step = renewal(standing.subscription, { to, part, move, now, notBefore, status: "told" });
    return { ...step, inForce: inForce && step.status !== "kept" };
  }
  if (standing.source !== "prepaid")
    return isOver
      ? { ...rest("moved"), act: "entitle" }
      : { ...rest("told"), effectiveAt: notBefore, dueAt: notBefore };
  // What is bought next is of the list's own version: there is nothing to swap.
  if (move.effective === "next_renewal")
    return { ...rest("told"), effectiveAt: standing.endsAt, dueAt: standing.endsAt };
  return inForce
    ? { ...rest("moved"), inForce }
    : { ...rest("told"), effectiveAt: notBefore, dueAt: notBefore };
}

/** Those who were told are told that nothing comes of it; those who were moved go back, at a renewal once they renewed. */
function backwards(part: Part, standing: Standing, move: Move, now: Date): Step {
  const { fromVersion: from, toVersion: to, status } = part;
  const rest = restOf(from);
  if (status === "chosen") return rest("undone");
  if (status === "kept" || status === "left" || status === "undone") return rest(status);
  if (standing.version === from)
    return isComing(standing, to) ? { ...restOf(to)(status), act: "release", dueAt: now } : rest("undone");
  if (standing.version !== to) return rest("left");
  if (standing.subscription)
    return renewal(standing.subscription, { to: from, notBefore: now, part, move, now, status: "returning" });
  if (standing.source === "prepaid") return { ...rest("moved"), why: "paid" };
  return { ...rest("undone"), act: "entitle" };
}

const restOf =
  (version: string) =>
  (status: MoveStatus): Step => ({
    status,
    act: null,
    version,
    effectiveAt: null,
    inForce: false,
    dueAt: null,
    why: null,
  });

const isComing = ({ subscription }: Standing, version: string) =>
  subscription?.coming?.kind === "scheduled" && subscription.coming.version === version;

interface Aim {
  to: string;
  notBefore: Date;
  part: Part;
  move: Move;
  now: Date;
  /** While it is not scheduled. */
  status: "told" | "returning";
}

/** The price of a subscription changes with a renewal, and only one that is running and goes on has one. */
function renewal(
  subscription: NonNullable<Standing["subscription"]>,
  { to, notBefore, part: { asideUntil }, move, now, status }: Aim,
): Step {
  const { periodEndsAt, cancelAt, coming } = subscription;
  const wait = (until: Date): Step => {
    const effectiveAt = new Date(Math.max(periodEndsAt.getTime(), notBefore.getTime()));
    const dueAt = move.effective === "now" && now < notBefore && notBefore < until ? notBefore : until;
    return { ...restOf(to)(status), effectiveAt, dueAt };
  };
  const afterRenewal = new Date(Math.max(periodEndsAt.getTime(), now.getTime()) + HOUR_MS);
  if (!move.isSold(to)) return { ...restOf(to)("kept"), why: `not sold by the ${subscription.interval}` };
  if (coming?.kind === "scheduled" && coming.version === to)
    return {
      ...wait(new Date(coming.at.getTime() + HOUR_MS)),
      status: status === "told" ? "scheduled" : status,
      effectiveAt: coming.at,
    };
  // Its own change, its end, its trial or its debt goes first; a sync sees when that is over.
  if (coming || cancelAt || subscription.status !== "active") return wait(afterRenewal);
  if (periodEndsAt < notBefore) return wait(afterRenewal);
  const scheduleAt = new Date(periodEndsAt.getTime() - LEAD_MS);
  if (now < scheduleAt) return wait(scheduleAt);
  if (asideUntil && now < asideUntil) return wait(asideUntil);
  return { ...wait(now), act: "schedule" };
}
