import { world } from "@tests/support/world";
import { expect, test, vi } from "vitest";
import { answerCron } from "@/server/cron";
import { openDatabase } from "@/server/db/client";
import { isReady } from "@/server/health";
import { jobNamed, jobs } from "@/server/jobs";
import { consume } from "@/server/quota/consume";

const { tenant, owner, runtime, clock, appUrl } = await world();
const SECRET = "a-secret-of-the-tests";
const run = (job: string, authorization: string | null, secret: string | undefined = SECRET) =>
  answerCron(runtime, { job, authorization, secret });

test.each([
  ["none", null, SECRET],
  ["an empty one", "", SECRET],
  ["a bare Bearer", "Bearer ", SECRET],
  ["another secret", "Bearer a-secret-of-nobody", SECRET],
  ["the beginning of the secret", `Bearer ${SECRET.slice(0, -1)}`, SECRET],
  ["the secret and more", `Bearer ${SECRET}x`, SECRET],
  ["another scheme", `Basic ${SECRET}`, SECRET],
  ["the secret alone", SECRET, SECRET],
  ["undefined, while no secret is set", "Bearer undefined", undefined],
  ["nothing, while no secret is set", null, undefined],
  ["an empty one, while the secret is empty", "Bearer ", ""],
])("with %s no job runs", async (_what, authorization, secret) => {
  const ada = await tenant("ada");
  await consume(ada, { feature: "compute", units: 5 });
  clock.advance({ days: 8 });
  for (const job of [...Object.keys(jobs), "unknown"]) {
    const answer = await answerCron(runtime, { job, authorization, secret });
    expect(answer.status).toBe(401);
  }
  const [meter] =
    await owner`select used from meters where tenant_id = ${ada.tenant.id} and feature = 'compute'`;
  expect(Number(meter!.used)).toBe(5);
});

test("reset opens the windows that are due, once, however many runners there are, and says how many", async () => {
  await run("reset", `Bearer ${SECRET}`);
  const bo = await tenant("bo");
  await consume(bo, { feature: "compute", units: 5 });
  clock.advance({ days: 8 });
  const [due] = await owner`select count(*) from meters where window_ends_at <= ${clock.now()}`;
  const answers = await Promise.all([1, 2, 3].map(() => run("reset", `Bearer ${SECRET}`)));
  const done = await Promise.all(answers.map((answer) => answer.json()));
  expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200]);
  expect(Number(due!.count)).toBeGreaterThan(0);
  expect(done.reduce((sum, one) => sum + one.done.rolled, 0)).toBe(Number(due!.count));
  const again = await (await run("reset", `Bearer ${SECRET}`)).json();
  expect(again).toMatchObject({ job: "reset", done: { rolled: 0, forgotten: 0 } });
  expect(Object.values(again.done).every((count) => count === 0)).toBe(true);
  const [meter] =
    await owner`select used from meters where tenant_id = ${bo.tenant.id} and feature = 'compute'`;
  expect(Number(meter!.used)).toBe(0);
});

test("inbox says what it worked off", async () => {
  const answer = await run("inbox", `Bearer ${SECRET}`);
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({ job: "inbox", done: { failed: 0 } });
});

test("an unknown job is not found, and neither is what every object has", async () => {
  for (const job of ["unknown", "constructor", "__proto__", "toString", ""]) {
    expect((await run(job, `Bearer ${SECRET}`)).status).toBe(404);
    expect(jobNamed(job)).toBeNull();
  }
});

test("every job of the hosted schedule exists, and the schedule is one that a free account may have", async () => {
  const { crons } = (await import("../../vercel.json")).default;
  const paths = crons.map((cron) => cron.path.replace("/api/cron/", ""));
  expect(paths.sort()).toEqual(Object.keys(jobs).sort());
  expect(crons.every((cron) => /^\d+ \d+ \* \* \*$/.test(cron.schedule))).toBe(true);
});

test("a job that fails answers 500 without saying why; the log says it", async () => {
  const log = vi.spyOn(console, "error").mockImplementation(() => {});
  const broken = { ...runtime, db: openDatabase(appUrl) };
  await broken.db.close();
  const answer = await answerCron(broken, {
    job: "reset",
    authorization: `Bearer ${SECRET}`,
    secret: SECRET,
  });
  expect(answer.status).toBe(500);
  expect(await answer.json()).toEqual({ error: "The job failed. See the log." });
  expect(JSON.stringify(log.mock.calls)).toContain("cron reset");
  log.mockRestore();
});

test("the process is ready while the database answers, and not otherwise", async () => {
  expect(await isReady(runtime)).toBe(true);
  const gone = { ...runtime, db: openDatabase("postgres://nobody:nothing@127.0.0.1:1/none") };
  expect(await isReady(gone)).toBe(false);
  await gone.db.close();
});
