/** Mail services that ignore dots before the @. */
const DOTLESS: ReadonlySet<string> = new Set(["gmail.com", "googlemail.com"]);
/** One mailbox under several names. */
const SAME_DOMAIN: Readonly<Record<string, string>> = { "googlemail.com": "gmail.com" };

/**
 * One text for all the ways to write the same mailbox, to compare people by, never to write to: case, compatible letters,
 * what follows a +, and at Gmail the dots and the other domain. What isn't sure to be the same stays different.
 */
export function mailboxOf(email: string): string {
  const whole = email.normalize("NFKC").trim().toLowerCase();
  const at = whole.lastIndexOf("@");
  if (at < 1) return whole;
  const [domain, written] = [whole.slice(at + 1), whole.slice(0, at)];
  const plus = written.indexOf("+");
  const untagged = plus > 0 ? written.slice(0, plus) : written;
  const local = DOTLESS.has(domain) ? untagged.replaceAll(".", "") || untagged : untagged;
  return `${local}@${SAME_DOMAIN[domain] ?? domain}`;
}

/** A trial's end is told so many days before, or as soon as it is known. */
const NOTICE_DAYS = 3;
const DAY_MS = 86_400_000;

/** Started days left of a trial whose end is near; null while it is not, or over. */
export function daysOfTrialNotice(endsAt: Date, now: Date): number | null {
  const leftMs = endsAt.getTime() - now.getTime();
  return leftMs > 0 && leftMs <= NOTICE_DAYS * DAY_MS ? Math.ceil(leftMs / DAY_MS) : null;
}
