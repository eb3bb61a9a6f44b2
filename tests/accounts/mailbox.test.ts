import { expect, test } from "vitest";
import { mailboxOf } from "@/server/accounts/mailbox";

test.each([
  ["ada@example.com", "ada@example.com"],
  ["  Ada@Example.COM ", "ada@example.com"],
  ["ada.l+news@mail.example.co.uk", "ada.l+news@mail.example.co.uk"],
  ["o'brien@example.com", "o'brien@example.com"],
  ["ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"],
  ["1@2.io", "1@2.io"],
])("%j is the one mailbox %j", (text, mailbox) => {
  expect(mailboxOf(text)).toBe(mailbox);
});

test.each([
  ["nothing", ""],
  ["no @", "ada.example.com"],
  ["no domain", "ada@"],
  ["no local part", "@example.com"],
  ["a host without a dot", "ada@localhost"],
  ["an IP address", "ada@127.0.0.1"],
  ["an address literal", "ada@[127.0.0.1]"],
  ["a list", "ada@example.com,eve@evil.example"],
  ["a list with a blank", "ada@example.com, eve@evil.example"],
  ["a list with a semicolon", "ada@example.com;eve@evil.example"],
  ["two @", "ada@example.com@evil.example"],
  ["a quoted local part", '"eve@evil.example"@example.com'],
  ["a quoted plain local part", '"ada"@example.com'],
  ["a display name", "Ada <ada@example.com>"],
  ["a comment", "ada(eve@evil.example)@example.com"],
  ["a route", "<@evil.example:ada@example.com>"],
  ["a percent route", "ada%evil.example@"],
  ["a backslash", "ada\\@example.com"],
  ["a line break with a header", "ada@example.com\r\nBcc: eve@evil.example"],
  ["a trailing line break", "ada@example.com\n"],
  ["a NUL", "ada@example.com\u0000"],
  ["a fullwidth @", "ada＠example.com"],
  ["a fullwidth @ beside a real one", "eve@evil.example＠example.com"],
  ["a small @", "ada﹫example.com"],
  ["a Cyrillic а", "аda@example.com"],
  ["a Kelvin sign", "\u212Aate@example.com"],
  ["a dotted capital I", "\u0130da@example.com"],
  ["a zero-width space", "ada\u200B@example.com"],
  ["a right-to-left override", "ada\u202E@example.com"],
  ["a no-break space", "ada@example.com\u00A0"],
  ["an ideographic full stop", "ada@example。com"],
  ["HTML", "<b>ada</b>@example.com"],
  ["a blank within", "ada l@example.com"],
  ["two dots", "ada..l@example.com"],
  ["a dot first", ".ada@example.com"],
  ["a dot last", "ada.@example.com"],
  ["an empty label", "ada@example..com"],
  ["a dot at the end", "ada@example.com."],
  ["a label that begins with a dash", "ada@-example.com"],
  ["a long local part", `${"a".repeat(65)}@example.com`],
  ["a long label", `ada@${"a".repeat(64)}.com`],
  ["a long address", `ada@${"a.".repeat(130)}com`],
])("%s is refused", (_what, text) => {
  expect(mailboxOf(text)).toBeNull();
});

test("hostile text is refused quickly", () => {
  for (const text of ["a".repeat(50_000), "a.".repeat(50_000), `${"a@".repeat(50_000)}`, "-".repeat(270)]) {
    const startedMs = performance.now();
    expect(mailboxOf(text)).toBeNull();
    expect(performance.now() - startedMs).toBeLessThan(50);
  }
});
