import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { notify } from "@/server/notifications/jobs";
import { TestPost } from "./post";
import { stage } from "./stage";

const post = new TestPost();
await post.open();
afterAll(() => post.close());
const { ctx, runtime, owner, appUrl, clock, tenant, join, lowCredits, emailOf } = await stage(post.smtpUrl);
beforeEach(async () => {
  post.arrived.length = 0;
  post.manners.clear();
  await owner`delete from outbox`;
});

test("fifty facts for three people, told by runners at once, are 150 mails: one a fact and person", async () => {
  const ada = await tenant("ada");
  const people = [await emailOf(ada)];
  people.push((await join(ada, "bo", "admin")).email, (await join(ada, "cleo", "billing")).email);
  await lowCredits(ada, 50);
  const done = await Promise.all([notify(ctx), notify({ ...ctx, ...runtime }), notify(ctx)]);
  expect(done.reduce((sum, { told }) => sum + told, 0)).toBe(150);
  // A runner ends when its rivals hold all there is, so what is left over goes with the next one.
  await notify(ctx);
  expect(post.arrived.length).toBe(150);
  expect(new Set(post.arrived.map(({ messageId }) => messageId)).size).toBe(150);
  for (const email of people) {
    const subjects = post.arrived.filter(({ to }) => to === email).map(({ subject }) => subject);
    expect(new Set(subjects).size).toBe(50);
  }
});

test("facts told while runners are at work are told once, however they interleave", async () => {
  const [ada, bo] = [await tenant("ada"), await tenant("bo")];
  const runs = async () => {
    for (let n = 0; n < 6; n += 1) await notify(ctx);
  };
  await Promise.all([lowCredits(ada, 20), lowCredits(bo, 20), runs(), runs()]);
  await notify(ctx);
  expect(post.arrived.length).toBe(40);
  expect(new Set(post.arrived.map(({ messageId }) => messageId)).size).toBe(40);
});

test("a process killed while the server has its mails: those in flight alone go again, when their lease is over, and their Message-IDs tell", async () => {
  const ada = await tenant("ada");
  await lowCredits(ada, 5);
  await notify({ ...ctx, mail: undefined });
  const email = await emailOf(ada);
  post.manners.set(email, "hold");
  const held = new Promise<void>((resolve) => {
    let count = 0;
    post.onHeld = () => {
      count += 1;
      if (count === 4) resolve();
    };
  });
  // It sends over four connections at once: four mails are in flight, and the fifth is not begun.
  const child = startRunner();
  await held;
  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("exit", resolve));
  const inFlight = post.arrived.map(({ messageId }) => messageId);
  expect(inFlight.length).toBe(4);
  post.manners.clear();
  // Those in flight are leased: only the untouched one goes.
  expect(await notify(ctx)).toMatchObject({ mailed: 1 });
  await owner`update notifications set mail_lease_ends_at = clock_timestamp() where mail_lease_ends_at is not null`;
  expect(await notify(ctx)).toMatchObject({ mailed: 4 });
  const times = new Map<string, number>();
  for (const { messageId } of post.arrived) times.set(messageId, (times.get(messageId) ?? 0) + 1);
  expect(
    [...times]
      .filter(([, count]) => count === 2)
      .map(([id]) => id)
      .sort(),
  ).toEqual(inFlight.sort());
  expect(times.size).toBe(5);
  expect(await notify(ctx)).toEqual({ told: 0, mailed: 0, mailsFailed: 0 });
});

function startRunner(): ChildProcess {
  const env = {
    ...process.env,
    RUNNER_DATABASE: appUrl,
    RUNNER_SMTP: post.smtpUrl,
    RUNNER_NOW: clock.now().toISOString(),
  };
  const file = path.join(import.meta.dirname, "runner.ts");
  return spawn(process.execPath, ["--import", "tsx", file], { env, stdio: ["ignore", "ignore", "inherit"] });
}
