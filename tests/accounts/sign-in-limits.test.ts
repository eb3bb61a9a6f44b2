import { world } from "@tests/support/world";
import { afterAll, expect, test, vi } from "vitest";
import { forgetExpired } from "@/server/accounts/jobs";
import { startMailCatcher } from "@/simulator/mail/catcher";
import { testAuth, Visitor } from "./visitor";

const { owner, runtime, clock, ctx } = await world();
const catcher = await startMailCatcher();
afterAll(() => catcher.close());
const auth = testAuth(runtime, { smtpUrl: catcher.smtpUrl, clientAddressHeader: "x-forwarded-for" });

const from = (address: string) => new Headers({ "x-forwarded-for": address });
const codeOf = (sent: Promise<unknown>) =>
  sent.then(
    () => "sent",
    (error) => error.code as string,
  );
const countOf = (codes: string[], code: string) => codes.filter((one) => one === code).length;

test("an address gets five mails in 15 minutes, also when asked for 20 times at once", async () => {
  const send = () => auth.sendLink({ email: "Ada@example.com", headers: new Headers() });
  const codes = await Promise.all(Array.from({ length: 20 }, () => codeOf(send())));
  expect([countOf(codes, "sent"), countOf(codes, "RATE_LIMITED")]).toEqual([5, 15]);
  expect(await new Visitor(auth, "ada@example.com", catcher.url).mails()).toHaveLength(5);
  await expect(send()).rejects.toMatchObject({ code: "RATE_LIMITED", advice: "Try again in 15 minutes." });
  clock.advance({ minutes: 14, seconds: 59 });
  await expect(send()).rejects.toMatchObject({ code: "RATE_LIMITED", advice: "Try again in 1 minute." });
  clock.advance({ seconds: 1 });
  expect(await codeOf(send())).toBe("sent");
});

test("a network gets 30, over all its addresses and /64s, and another network is not held back", async () => {
  const codes = await Promise.all(
    Array.from({ length: 40 }, (_, at) => {
      const headers = from(`198.51.100.${at}, 2001:db8:1:2::${at.toString(16)}`);
      return codeOf(auth.sendLink({ email: `many${at}@example.com`, headers }));
    }),
  );
  expect([countOf(codes, "sent"), countOf(codes, "RATE_LIMITED")]).toEqual([30, 10]);
  const other = auth.sendLink({ email: "bo@example.com", headers: from("2001:db8:1:3::1") });
  expect(await codeOf(other)).toBe("sent");
});

test("a network that is over its limit uses up nobody's own five", async () => {
  const headers = from("203.0.113.77");
  await Promise.all(
    Array.from({ length: 30 }, (_, at) => auth.sendLink({ email: `crowd${at}@example.com`, headers })),
  );
  for (let at = 0; at < 10; at += 1)
    expect(await codeOf(auth.sendLink({ email: "cleo@example.com", headers }))).toBe("RATE_LIMITED");
  const elsewhere = auth.sendLink({ email: "cleo@example.com", headers: from("192.0.2.1") });
  expect(await codeOf(elsewhere)).toBe("sent");
});

test("a forwarded address that no trusted proxy wrote changes nothing", async () => {
  const untold = testAuth(runtime, { smtpUrl: catcher.smtpUrl });
  const codes = await Promise.all(
    Array.from({ length: 8 }, (_, at) =>
      codeOf(untold.sendLink({ email: "spoof@example.com", headers: from(`10.0.0.${at}`) })),
    ),
  );
  expect(countOf(codes, "sent")).toBe(5);
});

test("what is counted is kept without the address", async () => {
  await auth.sendLink({ email: "dan@example.com", headers: from("192.0.2.200") });
  const rows = await owner`select subject from sign_in_attempts`;
  expect(rows.every((row) => /^[0-9a-f]{64}$/.test(row.subject))).toBe(true);
});

test.each(["", "ada@x.example,eve@evil.example", '"eve@evil.example"@x.example', "ada＠x.example"])(
  "%j gets no mail and is not counted",
  async (email) => {
    const before = await owner`select count(*) from sign_in_attempts`;
    expect(await codeOf(auth.sendLink({ email, headers: new Headers() }))).toBe("INVALID_INPUT");
    expect(await owner`select count(*) from sign_in_attempts`).toEqual(before);
  },
);

test("a mail server that is down is said so, and logged without the address", async () => {
  const log = vi.spyOn(console, "error").mockImplementation(() => {});
  const dead = testAuth(runtime, { smtpUrl: "smtp://127.0.0.1:1" });
  const sent = dead.sendLink({ email: "eve@example.com", headers: new Headers() });
  expect(await codeOf(sent)).toBe("BUSY");
  expect(JSON.stringify(log.mock.calls)).toMatch(/ECONNREFUSED/);
  expect(JSON.stringify(log.mock.calls)).not.toMatch(/eve@|token/);
  log.mockRestore();
});

test("what is over is forgotten, what counts is kept", async () => {
  await owner`delete from sign_in_attempts`;
  await owner`delete from verification_tokens`;
  await auth.sendLink({ email: "flo@example.com", headers: new Headers() });
  expect(await forgetExpired(ctx)).toEqual({ forgotten: 0 });
  clock.advance({ minutes: 16 });
  expect(await forgetExpired(ctx)).toEqual({ forgotten: 1 });
  await owner`update verification_tokens set expires = '2000-01-01'`;
  expect(await forgetExpired(ctx)).toEqual({ forgotten: 1 });
});
