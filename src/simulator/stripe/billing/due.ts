import type Stripe from "stripe";
import type { World } from "../world";
import { expireSession, settleAsyncPayment } from "./checkout";
import { collect, expireIncomplete, expirePendingUpdate } from "./collection";
import { expireResumption, resumeCollection } from "./pausing";
import { hoursLater } from "./periods";
import { advancePhase, phaseEndsAt } from "./schedules";
import { announceTrialEnd, renew, trialNoticeAt } from "./subscriptions";

/** Something that will happen by itself. */
export interface Due {
  /** Unix seconds. */
  at: number;
  /** In a few words, such as "a renewal". */
  what: string;
}

interface DueTask extends Due {
  run: () => void;
}

const INCOMPLETE_HOURS = 23;
// A jump of many years over daily renewals stays finite.
const MAX_TASKS = 50_000;

function subscriptionTasks(world: World, subscription: Stripe.Subscription): DueTask[] {
  const tasks: DueTask[] = [];
  const add = (at: number, what: string, run: () => void) => tasks.push({ at, what, run });
  if (subscription.status === "incomplete") {
    add(hoursLater(subscription.created, INCOMPLETE_HOURS), "the end of an unpaid beginning", () =>
      expireIncomplete(world, subscription),
    );
  }
  if (subscription.pending_update) {
    add(subscription.pending_update.expires_at, "the end of an unpaid change", () =>
      expirePendingUpdate(world, subscription),
    );
  }
  const { resuming } = world.store.hidden("subscription", subscription.id);
  if (resuming)
    add(resuming.until, "the end of an unpaid resumption", () => expireResumption(world, subscription));
  const { resumes_at: resumesAt = null } = subscription.pause_collection ?? {};
  if (resumesAt !== null) add(resumesAt, "the end of a pause", () => resumeCollection(world, subscription));
  if (!["trialing", "active", "past_due"].includes(subscription.status)) return tasks;
  if (
    subscription.status === "trialing" &&
    !world.store.hidden("subscription", subscription.id).trialWillEndSent
  ) {
    add(trialNoticeAt(subscription), "the notice of a trial's end", () =>
      announceTrialEnd(world, subscription),
    );
  }
  const end = subscription.items.data[0]!.current_period_end;
  const last = Math.min(end, subscription.cancel_at ?? end);
  add(last, last === subscription.cancel_at ? "the end of a subscription" : "a renewal", () =>
    renew(world, subscription),
  );
  return tasks;
}

function sessionTasks(world: World, session: Stripe.Checkout.Session): DueTask[] {
  if (session.status === "open")
    return [
      { at: session.expires_at, what: "the end of a payment page", run: () => expireSession(world, session) },
    ];
  const { asyncOutcome } = world.store.hidden("checkout.session", session.id);
  if (!asyncOutcome) return [];
  const what = "the answer of a bank";
  return [{ at: asyncOutcome.at, what, run: () => settleAsyncPayment(world, session) }];
}

function earliestTask(world: World): DueTask | undefined {
  const tasks: DueTask[] = [];
  // Before the renewals of the same instant: they bill the phase that begins.
  for (const schedule of world.store.all("subscription_schedule")) {
    const at = phaseEndsAt(schedule);
    if (at !== null) tasks.push({ at, what: "a scheduled change", run: () => advancePhase(world, schedule) });
  }
  for (const subscription of world.store.all("subscription")) {
    if (subscription.status !== "canceled") tasks.push(...subscriptionTasks(world, subscription));
  }
  for (const session of world.store.all("checkout.session")) tasks.push(...sessionTasks(world, session));
  for (const invoice of world.store.all("invoice")) {
    if (invoice.status !== "open" || !invoice.next_payment_attempt) continue;
    tasks.push({
      at: invoice.next_payment_attempt,
      what: "another attempt to collect",
      run: () => void collect(world, invoice, { automatic: true }),
    });
  }
  return tasks.reduce<DueTask | undefined>(
    (first, task) => (first && first.at <= task.at ? first : task),
    undefined,
  );
}

/** What happens next by itself; null when nothing will. */
export function nextDue(world: World): Due | null {
  const task = earliestTask(world);
  return task ? { at: task.at, what: task.what } : null;
}

/** Does everything that is due by an instant (unix seconds), each thing at its own time. */
export function settleDue(world: World, until: number): void {
  for (let done = 0; done < MAX_TASKS; done++) {
    const task = earliestTask(world);
    if (!task || task.at > until) return;
    world.clock.at(task.at, task.run);
  }
}

/** Moves the simulated clock forward and does what falls due on the way. */
export function advanceTo(world: World, unix: number): void {
  settleDue(world, unix);
  world.clock.moveTo(unix);
}
