import type { subscriptions } from "./tables";

type SubscriptionRow = typeof subscriptions.$inferSelect;

/** Time of a subscription: days that were paid ahead wait meanwhile. `endsAt` null: nobody has decided when it ends. */
export interface Span {
  beginsAt: Date;
  endsAt: Date | null;
}

type Subscribed = Pick<
  SubscriptionRow,
  | "status"
  | "planVersion"
  | "beginsAt"
  | "billingAnchorAt"
  | "currentPeriodStartsAt"
  | "cancelAt"
  | "canceledAt"
  | "endedAt"
  | "syncedAt"
>;

const SECOND_MS = 1_000;

/** Whether a subscription was bought to begin when the days that are paid for are over, and they are not. */
export function waits(
  { status, beginsAt }: Pick<SubscriptionRow, "status" | "beginsAt">,
  now: Date,
): boolean {
  return status === "trialing" && beginsAt !== null && now < beginsAt;
}

/** Whether it ended while it waited: nothing was had of it. A trial of ours begins at once, whatever becomes of it. */
export function neverBegan({
  beginsAt,
  trialEndsAt,
  endedAt,
}: Pick<SubscriptionRow, "beginsAt" | "trialEndsAt" | "endedAt">): boolean {
  const waited = beginsAt !== null && beginsAt.getTime() === trialEndsAt?.getTime();
  return waited && endedAt !== null && endedAt <= beginsAt;
}

/** The time that a tenant's subscriptions take, in order and without overlaps. */
export function spansOf(subscriptions: readonly Subscribed[]): Span[] {
  const spans = subscriptions.flatMap(spanOf);
  spans.sort((a, b) => a.beginsAt.getTime() - b.beginsAt.getTime());
  const merged: Span[] = [];
  for (const span of spans) {
    const last = merged.at(-1);
    if (!last || (last.endsAt !== null && last.endsAt < span.beginsAt)) merged.push({ ...span });
    else if (last.endsAt !== null && (span.endsAt === null || span.endsAt > last.endsAt))
      last.endsAt = span.endsAt;
  }
  return merged;
}

function spanOf(row: Subscribed): Span[] {
  if (row.planVersion === null) return [];
  const beginsAt = row.beginsAt ?? row.billingAnchorAt;
  const endsAt = endOf(row);
  if (endsAt === undefined || (endsAt !== null && endsAt <= beginsAt)) return [];
  return [{ beginsAt, endsAt }];
}

/** undefined: it never began. */
function endOf(row: Subscribed): Date | null | undefined {
  switch (row.status) {
    case "active":
    case "trialing":
    case "past_due":
      return row.cancelAt;
    case "canceled":
      return row.endedAt ?? row.canceledAt ?? row.syncedAt;
    // It may go on any day.
    case "paused":
      return null;
    // What it was paid for last.
    case "unpaid":
      return row.currentPeriodStartsAt;
    default:
      return undefined;
  }
}

/** The span that an instant lies in. */
export function spanAt(spans: readonly Span[], at: Date): Span | null {
  return spans.find(({ beginsAt, endsAt }) => beginsAt <= at && (endsAt === null || at < endsAt)) ?? null;
}

/** The time up to an instant outside of all spans: the clock of days that are paid for, which stands still in them. */
export function prepaidClock(at: Date, spans: readonly Span[]): Date {
  let ms = at.getTime();
  for (const { beginsAt, endsAt } of spans) {
    if (beginsAt >= at) break;
    ms -= Math.min(endsAt?.getTime() ?? Number.POSITIVE_INFINITY, at.getTime()) - beginsAt.getTime();
  }
  return new Date(ms);
}

/** The first instant at which that clock shows `clock`, in whole seconds, as Stripe counts; null: as things stand it never will. */
export function instantOfClock(clock: Date, spans: readonly Span[]): Date | null {
  let ms = clock.getTime();
  for (const { beginsAt, endsAt } of spans) {
    if (ms <= beginsAt.getTime()) break;
    if (endsAt === null) return null;
    ms += endsAt.getTime() - beginsAt.getTime();
  }
  return new Date(Math.ceil(ms / SECOND_MS) * SECOND_MS);
}
