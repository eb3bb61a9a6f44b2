import type { Role } from "../context";

/** What a person may want mails about, or not. */
export const TOPICS = ["payments", "plan", "receipts", "usage", "credits"] as const;
export type Topic = (typeof TOPICS)[number];

/** Who misses one of these may lose money or the plan, so nobody can switch them off. */
const ALWAYS: ReadonlySet<Topic> = new Set<Topic>(["payments", "plan"]);
export const isAlways = (topic: Topic): boolean => ALWAYS.has(topic);

/** Whose business money is. Members are told nothing. */
export const TOLD_ROLES = ["owner", "admin", "billing"] as const satisfies readonly Role[];

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const LONGEST_WAIT_MINUTES = 60;
/** A server that refuses every mail may be one that was set up wrongly: somebody has a day to put it right. */
const REFUSED_DAYS = 1;
/** A server that is down or busy is waited for longer; the notice stands behind the bell all the while. */
const UNREACHABLE_DAYS = 14;

/** Facts are told within a minute; the back-off is 1, 2, 4, … minutes, then one hour. */
export function nextAttemptAt(now: Date, attempts: number): Date {
  const minutes = Math.min(2 ** Math.min(attempts - 1, 10), LONGEST_WAIT_MINUTES);
  return new Date(now.getTime() + minutes * MINUTE_MS);
}

/** Whether a mail that failed once more is given up. Counted from when it was to be sent first. */
export function isHopeless(mail: { createdAt: Date; now: Date; refused: boolean }): boolean {
  const days = mail.refused ? REFUSED_DAYS : UNREACHABLE_DAYS;
  return mail.now.getTime() - mail.createdAt.getTime() >= days * DAY_MS;
}

/** What nobody told for so long, since no cron ran or this slice is new, is shown and no longer mailed. */
export const isOldNews = (happenedAt: Date, now: Date): boolean =>
  now.getTime() - happenedAt.getTime() > UNREACHABLE_DAYS * DAY_MS;

/** How a mail failed. `refused`: the server will never take this one. `unreachable`: no mail goes at all just now. */
export type MailFailure = "refused" | "delayed" | "unreachable";

/** Reads nodemailer's error: at which command it failed, and what the server answered, if it did. */
export function mailFailure(error: unknown): MailFailure {
  const { responseCode, code } = error as { responseCode?: unknown; code?: unknown };
  if (code !== "EENVELOPE" && code !== "EMESSAGE") return "unreachable";
  return typeof responseCode === "number" && responseCode < 500 ? "delayed" : "refused";
}
