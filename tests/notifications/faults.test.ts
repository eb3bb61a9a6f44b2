import { afterAll, beforeEach, expect, test, vi } from "vitest";
import type { TenantCtx } from "@/server/context";
import { notify } from "@/server/notifications/jobs";
import { postOffice } from "@/server/notifications/post";
import { TestPost } from "./post";
import { FROM, stage } from "./stage";

const post = new TestPost();
await post.open();
afterAll(() => post.close());
const { ctx, clock, owner, tenant, join, lowCredits, emailOf } = await stage(post.smtpUrl);
const log = vi.spyOn(console, "error").mockImplementation(() => {});
afterAll(() => log.mockRestore());
beforeEach(async () => {
  post.arrived.length = 0;
  post.manners.clear();
  await owner`delete from outbox`;
});

const arrivedAt = (email: string) => post.arrived.filter(({ to }) => to === email);
async function mailOf({ actor, tenant: { id } }: TenantCtx) {
  const userId = actor.kind === "user" ? actor.userId : "";
  const [row] = await owner`select mailed_at, mail_due_at, mail_given_up_at, mail_attempts, mail_error
    from notifications where tenant_id = ${id} and user_id = ${userId}`;
  return row!;
}

/** As cron would for so many days, though it comes late; asks only where something is due. */
async function runFor(days: number, everyMinutes = 1): Promise<void> {
  const end = clock.now().getTime() + days * 86_400_000;
  while (clock.now().getTime() < end) {
    await notify(ctx);
    const [due] = await owner`select min(mail_due_at) as at from notifications where mail_due_at is not null`;
    const next = due?.at ? new Date(due.at).getTime() : end;
    clock.set(new Date(Math.min(Math.max(next, clock.now().getTime() + everyMinutes * 60_000), end)));
  }
}

test("a mail server that is down for three days loses none: each mail arrives once it is back", async () => {
  const ada = await tenant("ada");
  await join(ada, "bo", "billing");
  await lowCredits(ada, 3);
  await post.close();
  expect(await notify(ctx)).toMatchObject({ told: 6, mailed: 0 });
  await runFor(3, 120);
  await post.open();
  clock.advance({ hours: 1 });
  await runFor(0.1);
  expect(post.arrived.length).toBe(6);
  expect(new Set(post.arrived.map(({ messageId }) => messageId)).size).toBe(6);
});

test("while the server is down a run asks it a few times, not once for every mail", async () => {
  const ada = await tenant("ada");
  await lowCredits(ada, 30);
  await post.close();
  const { mailsFailed } = await notify(ctx);
  await post.open();
  expect(mailsFailed).toBeLessThanOrEqual(4);
  const [row] = await owner`select sum(mail_attempts)::int as attempts from notifications`;
  expect(row!.attempts).toBeLessThanOrEqual(4);
});

test("an address that is refused for good stops nobody else, and is given up after a day, never before", async () => {
  const ada = await tenant("ada");
  const bo = await join(ada, "bo", "admin");
  post.manners.set(bo.email, "never");
  await lowCredits(ada, 1);
  expect(await notify(ctx)).toEqual({ told: 2, mailed: 1, mailsFailed: 1 });
  expect(arrivedAt(await emailOf(ada)).length).toBe(1);
  await runFor(0.9);
  expect(await mailOf(bo)).toMatchObject({ mail_given_up_at: null, mailed_at: null });
  await runFor(0.2);
  const given = await mailOf(bo);
  expect(given).toMatchObject({ mail_due_at: null, mailed_at: null });
  expect(given.mail_given_up_at).not.toBeNull();
  expect(given.mail_error).toContain("550");
  expect(given.mail_error).not.toContain(bo.email);
  expect(JSON.stringify(log.mock.calls)).not.toContain(bo.email);
});

test("a refusal that ends within the day is no loss", async () => {
  const ada = await tenant("ada");
  const email = await emailOf(ada);
  post.manners.set(email, "never");
  await lowCredits(ada, 1);
  await notify(ctx);
  await runFor(0.5);
  post.manners.set(email, "take");
  await runFor(0.1);
  expect(arrivedAt(email).length).toBe(1);
});

test("a server that asks to come back later is asked later, each time later, at most an hour", async () => {
  const ada = await tenant("ada");
  const email = await emailOf(ada);
  post.manners.set(email, "later");
  await lowCredits(ada, 1);
  const waits: number[] = [];
  for (let n = 0; n < 9; n += 1) {
    await notify(ctx);
    const due = new Date((await mailOf(ada)).mail_due_at as Date).getTime();
    waits.push((due - clock.now().getTime()) / 60_000);
    clock.set(new Date(due));
  }
  expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
  post.manners.set(email, "take");
  await notify(ctx);
  expect(arrivedAt(email).length).toBe(1);
  expect(await mailOf(ada)).toMatchObject({ mail_due_at: null, mail_attempts: 10, mail_error: null });
});

test("a connection that ends after the mail went over is tried again, under the same Message-ID", async () => {
  const ada = await tenant("ada");
  const email = await emailOf(ada);
  post.manners.set(email, "hangUp");
  await lowCredits(ada, 1);
  expect(await notify(ctx)).toEqual({ told: 1, mailed: 0, mailsFailed: 1 });
  post.manners.set(email, "take");
  clock.advance({ minutes: 1 });
  expect(await notify(ctx)).toMatchObject({ mailed: 1 });
  const ids = arrivedAt(email).map(({ messageId }) => messageId);
  expect(ids.length).toBe(2);
  expect(new Set(ids).size).toBe(1);
  expect(await notify(ctx)).toEqual({ told: 0, mailed: 0, mailsFailed: 0 });
});

test("a slow server is waited for, and while it thinks nobody else sends its mail", async () => {
  const ada = await tenant("ada");
  const email = await emailOf(ada);
  post.manners.set(email, "hold");
  await lowCredits(ada, 1);
  const held = new Promise<() => void>((resolve) => {
    post.onHeld = resolve;
  });
  const first = notify(ctx);
  const release = await held;
  expect(await notify(ctx)).toEqual({ told: 0, mailed: 0, mailsFailed: 0 });
  release();
  expect(await first).toMatchObject({ mailed: 1, mailsFailed: 0 });
  expect(arrivedAt(email).length).toBe(1);
});

test("a server that never finishes is not waited for longer than a mail's lease allows", async () => {
  post.manners.set("ada@slow.test", "hold");
  const send = postOffice({ smtpUrl: post.smtpUrl, from: FROM, deadlineMs: 300 });
  const mail = { to: "ada@slow.test", subject: "s", text: "t", html: "<p>t</p>", messageId: "<1@a.test>" };
  await expect(send({ ...mail, at: clock.now(), unsubscribeUrl: null })).rejects.toThrow("never finished");
});
