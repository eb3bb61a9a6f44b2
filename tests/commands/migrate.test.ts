import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { withDatabase } from "@tests/support/urls";
import postgres from "postgres";
import { afterAll, beforeAll, expect, inject, test } from "vitest";

const database = `test_${randomBytes(6).toString("hex")}`;
const login = `login_${database}`;
const admin = postgres(inject("ownerUrl"), { max: 1, onnotice: () => {} });
const ownerUrl = withDatabase(inject("ownerUrl"), database);
const appUrl = new URL(ownerUrl);
appUrl.username = login;
appUrl.password = "p@ss 'word\"";

beforeAll(() => admin`create database ${admin(database)}`);
afterAll(async () => {
  await admin`drop database ${admin(database)} with (force)`;
  await admin`drop role if exists ${admin(login)}`;
  await admin.end({ timeout: 5 });
});

/** Runs in an empty folder: neither a developer's `.env` files nor a running `npm run dev` must be found. */
async function migrate(
  env: Record<string, string>,
  ...options: string[]
): Promise<{ code: number; output: string }> {
  const cwd = await mkdtemp(path.join(tmpdir(), "tollgate migrate "));
  const args = ["--import", import.meta.resolve("tsx"), path.resolve("src/commands/migrate.ts"), ...options];
  const TSX_TSCONFIG_PATH = path.resolve("tsconfig.json");
  const empty = { DATABASE_URL: "", DATABASE_OWNER_URL: "" };
  const run = promisify(execFile)(process.execPath, args, {
    cwd,
    env: { ...process.env, TSX_TSCONFIG_PATH, ...empty, ...env },
  }).finally(() => rm(cwd, { recursive: true }));
  return run.then(
    ({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }),
    (error: { code: number; stdout: string; stderr: string }) => ({
      code: error.code,
      output: error.stdout + error.stderr,
    }),
  );
}

test("with two URLs it builds the tables as the owner and makes the app's login, and may be repeated", async () => {
  const env = { DATABASE_OWNER_URL: ownerUrl, DATABASE_URL: appUrl.href };
  expect(await migrate(env)).toMatchObject({
    code: 0,
    output: expect.stringContaining("migration(s) applied"),
  });
  expect(await migrate(env)).toMatchObject({ code: 0, output: expect.stringContaining("up to date") });
  const asApp = postgres(appUrl.href, { max: 1, onnotice: () => {} });
  expect(await asApp`select count(*)::int as n from tenants`).toMatchObject([{ n: 0 }]);
  await expect(asApp`drop table tenants`).rejects.toMatchObject({ code: "42501" });
  await asApp.end();
});

test("with one URL it works, and says that the app would own its tables", async () => {
  const { code, output } = await migrate({ DATABASE_URL: ownerUrl });
  expect(code).toBe(0);
  expect(output).toContain("owns the tables");
});

test("--archive-before says what it did, or why not", async () => {
  const env = { DATABASE_OWNER_URL: ownerUrl, DATABASE_URL: appUrl.href };
  expect(await migrate(env, "--archive-before", "2021-01")).toMatchObject({
    code: 0,
    output: expect.stringContaining("No entries from before 2021-01 are left to archive."),
  });
  expect(await migrate(env, "--archive-before", "2099-01")).toMatchObject({
    code: 1,
    output: expect.stringContaining("2099-01: the month is not over yet"),
  });
  expect(await migrate(env, "--archive-before", "")).toMatchObject({
    code: 1,
    output: expect.stringContaining("is no month"),
  });
});

test.each([
  ["no URL", ""],
  ["a malformed URL", "mysql://root:very-secret@localhost/x"],
  ["an unreachable server", "postgres://app:very-secret@127.0.0.1:1/x"],
])("%s: it ends with a message that shows no password", async (_how, url) => {
  const { code, output } = await migrate({ DATABASE_URL: url });
  expect(code).toBe(1);
  expect(output).toContain("Not migrated: ");
  expect(output).not.toContain("very-secret");
});
