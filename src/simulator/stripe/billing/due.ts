import type Stripe from "stripe";
import type { World } from "../world";
import { expireSession, settleAsyncPayment } from "./checkout";
import { collect, expireIncomplete, expirePendingUpdate } from "./collection";
import { expireResumption, resumeCollection } from "./pausing";
import { hoursLater } from "./periods";
import { advancePhase, phaseEndsAt } from "./schedules";
import { announceTrialEnd, renew, trialNoticeAt } from "./subscriptions";

interface DueTask {
  /** Unix seconds. */
  at: number;
  run: () => void;
}

const INCOMPLETE_HOURS = 23;
// A jump of many years over daily renewals stays finite.
const MAX_TASKS = 50_000;

function subscriptionTasks(world: World, subscription: Stripe.Subscription): DueTask[] {
  const tasks: DueTask[] = [];
  const add = (at: number, run: () => void) => tasks.push({ at, run });
  if (subscription.status === "incomplete") {
    add(hoursLater(subscription.created, INCOMPLETE_HOURS), () => expireIncomplete(world, subscription));
  }
  if (subscription.pending_update) {
    add(subscription.pending_update.expires_at, () => expirePendingUpdate(world, subscription));
  }
  const { resuming } = world.store.hidden("subscription", subscription.id);
  if (resuming) add(resuming.until, () => expireResumption(world, subscription));
  const { resumes_at: resumesAt = null } = subscription.pause_collection ?? {};
  if (resumesAt !== null) add(resumesAt, () => resumeCollection(world, subscription));
  if (!["trialing", "active", "past_due"].includes(subscription.status)) return tasks;
  if (
    subscription.status === "trialing" &&
    !world.store.hidden("subscription", subscription.id).trialWillEndSent
  ) {
    add(trialNoticeAt(subscription), () => announceTrialEnd(world, subscription));
  }
  const end = subscription.items.data[0]!.current_period_end;
  add(Math.min(end, subscription.cancel_at ?? end), () => renew(world, subscription));
  return tasks;
}

function sessionTasks(world: World, session: Stripe.Checkout.Session): DueTask[] {
  if (session.status === "open")
    return [{ at: session.expires_at, run: () => expireSession(world, session) }];
  const { asyncOutcome } = world.store.hidden("checkout.session", session.id);
  return asyncOutcome ? [{ at: asyncOutcome.at, run: () => settleAsyncPayment(world, session) }] : [];
}

function earliestTask(world: World): DueTask | undefined {
  const tasks: DueTask[] = [];
  // Before the renewals of the same instant: they bill the phase that begins.
  for (const schedule of world.store.all("subscription_schedule")) {
    const at = phaseEndsAt(schedule);
    if (at !== null) tasks.push({ at, run: () => advancePhase(world, schedule) });
  }
  for (const subscription of world.store.all("subscription")) {
    if (subscription.status !== "canceled") tasks.push(...subscriptionTasks(world, subscription));
  }
  for (const session of world.store.all("checkout.session")) tasks.push(...sessionTasks(world, session));
  for (const invoice of world.store.all("invoice")) {
    if (invoice.status !== "open" || !invoice.next_payment_attempt) continue;
    tasks.push({
      at: invoice.next_payment_attempt,
      run: () => void collect(world, invoice, { automatic: true }),
    });
  }
  return tasks.reduce<DueTask | undefined>(
    (first, task) => (first && first.at <= task.at ? first : task),
    undefined,
  );
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
