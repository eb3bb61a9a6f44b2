import { execFile } from "node:child_process";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { testDatabase } from "@tests/support/database";
import { afterAll, expect, test } from "vitest";
import { type Fault, planted } from "./planted";
import { seed, TIMEOUT_MS } from "./runs";

/** More than any of them needs; the source as it is agrees throughout. */
const HISTORIES = { planted: 2_000, control: 40 };
/** Inside the project, so that a copy finds the same packages. */
const folder = path.resolve(".data-test", `planted-${process.pid}`);

afterAll(() => rm(folder, { recursive: true, force: true }));

const copyOf = async (name: string) => {
  const copy = path.join(folder, name.replaceAll(/\W+/g, "-"));
  await mkdir(copy, { recursive: true });
  for (const part of ["src", "tests/proof", "package.json", "tsconfig.json"])
    await cp(part, path.join(copy, part), { recursive: true });
  return copy;
};

async function plant(copy: string, { file, find, replace }: Fault): Promise<void> {
  const target = path.join(copy, file);
  const text = await readFile(target, "utf8");
  expect(text.split(find).length - 1).toBe(1);
  await writeFile(
    target,
    text.replace(find, () => replace),
  );
}

/** The short proof against a source tree, in a process and a database of its own. */
async function prove(
  copy: string,
  histories: number,
  about?: Fault["about"],
): Promise<{ outcome: string; histories: number }> {
  const { appUrl, ownerUrl } = await testDatabase();
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--import", "tsx", "tests/proof/planted-run.ts"],
    {
      cwd: copy,
      env: {
        ...process.env,
        PROOF_APP_URL: appUrl,
        PROOF_OWNER_URL: ownerUrl,
        PROOF_SEED: String(seed),
        PROOF_HISTORIES: String(histories),
        ...(about && { PROOF_ABOUT: JSON.stringify(about) }),
      },
    },
  );
  return JSON.parse(stdout.trim().split("\n").at(-1)!);
}

test.concurrent("the source as it is agrees with the model", { timeout: TIMEOUT_MS }, async () => {
  expect(await prove(await copyOf("as it is"), HISTORIES.control)).toMatchObject({
    outcome: "agreed",
    histories: HISTORIES.control,
  });
});

test.concurrent.each(planted)("it is caught: $name", { timeout: TIMEOUT_MS }, async (fault) => {
  const copy = await copyOf(fault.name);
  await plant(copy, fault);
  expect(await prove(copy, HISTORIES.planted, fault.about)).toMatchObject({ outcome: "caught" });
});
