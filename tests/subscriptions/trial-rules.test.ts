import { expect, test } from "vitest";
import { daysOfTrialNotice, mailboxOf } from "@/server/subscriptions/trial-rules";

test.for([
  ["Ada.Lovelace@Gmail.com", "adalovelace@gmail.com"],
  ["ada.lovelace+trial7@googlemail.com", "adalovelace@gmail.com"],
  ["  ADA@Example.COM ", "ada@example.com"],
  ["ada+one@example.com", "ada@example.com"],
  ["ada@example.com", "ada@example.com"],
  ["ａｄａ@example.com", "ada@example.com"],
] as const)("%s is the mailbox %s", ([written, mailbox]) => {
  expect(mailboxOf(written)).toBe(mailbox);
});

test.for([
  ["a.b@example.com", "ab@example.com"],
  ["+ada@example.com", "ada@example.com"],
  ["ada-x@example.com", "ada@example.com"],
  ["ada@example.com", "ada@example.org"],
  ["ada@mail.example.com", "ada@example.com"],
  ["...@gmail.com", "@gmail.com"],
] as const)("%s and %s stay two mailboxes", ([one, other]) => {
  expect(mailboxOf(one)).not.toBe(mailboxOf(other));
});

test("a mailbox of a mailbox is itself", () => {
  for (const email of ["A.b+c+d@gmail.com", "x+y@z.org", "no-at", "@", "a@b@c.d"])
    expect(mailboxOf(mailboxOf(email))).toBe(mailboxOf(email));
});

test("notice of a trial's end is given in its last three days", () => {
  const endsAt = new Date("2026-03-16T09:00:00Z");
  const at = (text: string) => daysOfTrialNotice(endsAt, new Date(text));
  expect(at("2026-03-13T08:59:59Z")).toBe(null);
  expect(at("2026-03-13T09:00:00Z")).toBe(3);
  expect(at("2026-03-15T12:00:00Z")).toBe(1);
  expect(at("2026-03-16T09:00:00Z")).toBe(null);
});
