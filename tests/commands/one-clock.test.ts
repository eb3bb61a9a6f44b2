import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { clock } from "@/commands/dev/clock";
import { hasTimeMachine, oneClock } from "@/server/one-clock";
import { startStripeSimulator } from "@/simulator/stripe/server";

const DAY_MS = 86_400_000;
let folder: string;
let file: string;
const wallMs = () => Date.now();
const inDays = (days: number) => new Date(wallMs() + days * DAY_MS);
/** What passes while a test runs. */
const MOMENT_MS = 20_000;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "tollgate clock "));
  file = path.join(folder, "clock.json");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("nobody moved it: it is the machine's own", () => {
  expect(Math.abs(oneClock(file).now().getTime() - wallMs())).toBeLessThan(MOMENT_MS);
});

test("everybody who looks sees one instant, and held it stands still", () => {
  const [app, cron] = [oneClock(file), oneClock(file)];
  const at = inDays(40);
  app.hold(at);
  expect([app.now(), cron.now()]).toEqual([at, at]);
});

test("it never goes back: not to a date gone by, not when it runs on, and not when it is held again", () => {
  const { now, hold, release, moveTo } = oneClock(file);
  const at = inDays(10);
  hold(at);
  hold(inDays(5));
  moveTo(inDays(3));
  expect(now()).toEqual(at);
  release();
  moveTo(inDays(1));
  hold(inDays(2));
  expect(now().getTime()).toBeGreaterThanOrEqual(at.getTime());
  expect(now().getTime() - at.getTime()).toBeLessThan(MOMENT_MS);
});

test("it stays with the data over a restart, and an interrupted move leaves it running", async () => {
  const at = inDays(40);
  oneClock(file).hold(at);
  const started = await clock(file).start({}, new AbortController().signal);
  const { now } = oneClock(started.env?.TOLLGATE_CLOCK ?? "");
  expect(now().getTime()).toBeGreaterThanOrEqual(at.getTime());
  expect(started.line).toContain(at.toISOString().slice(0, 10));
  const before = now();
  await expect.poll(() => now().getTime()).toBeGreaterThan(before.getTime());
});

test("whoever advances the simulator moves everybody, and nobody drifts", async () => {
  const shared = oneClock(file);
  const simulator = await startStripeSimulator({
    ...shared,
    schemaDir: `${process.env.TEST_DATA_DIR ?? ".data-test"}/stripe-schemas`,
  });
  const at = inDays(3);
  await simulator.control.advanceTo(at);
  const aheadMs = () => Math.abs(shared.now().getTime() - simulator.control.now().getTime());
  expect(shared.now().getTime()).toBeGreaterThan(at.getTime() - 1_000);
  expect(aheadMs()).toBeLessThanOrEqual(1_000);
  shared.hold(inDays(50));
  expect(aheadMs()).toBeLessThanOrEqual(1_000);
  await simulator.close();
});

test("a simulator that was ahead of its base takes the base along", async () => {
  const stateFile = path.join(folder, "stripe.json");
  const schemaDir = `${process.env.TEST_DATA_DIR ?? ".data-test"}/stripe-schemas`;
  const before = await startStripeSimulator({ schemaDir, stateFile });
  const at = inDays(7);
  await before.control.advanceTo(at);
  await before.close();
  const shared = oneClock(file);
  const after = await startStripeSimulator({ ...shared, schemaDir, stateFile });
  expect(shared.now().getTime()).toBeGreaterThan(at.getTime() - 1_000);
  expect(after.control.now().getTime() - at.getTime()).toBeLessThan(MOMENT_MS);
  await after.close();
});

test("production has no such clock, no time machine, and no route of a development", () => {
  vi.stubEnv("NODE_ENV", "production");
  expect(() => oneClock(file)).toThrow("In production the clock is the machine's own.");
  expect(hasTimeMachine()).toBe(false);
  vi.unstubAllEnvs();
  expect(pageExtensions("development")).toContain("dev.tsx");
  expect(pageExtensions("production")).toEqual(["tsx", "ts"]);
});

/** What Next takes for a page or route, as its configuration says it to a process of that kind. */
function pageExtensions(nodeEnv: string): string[] {
  const say =
    "import(process.argv[1]).then(({ default: it }) => console.log(JSON.stringify(it.pageExtensions)))";
  const config = pathToFileURL(path.resolve("next.config.mjs")).href;
  const env = { ...process.env, NODE_ENV: nodeEnv } as NodeJS.ProcessEnv;
  return JSON.parse(
    execFileSync(process.execPath, ["-e", say, config], { env, encoding: "utf8" }),
  ) as string[];
}
