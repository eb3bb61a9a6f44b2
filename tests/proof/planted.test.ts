import { execFile } from "node:child_process";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { testDatabase } from "@tests/support/database";
import { seed } from "@tests/support/seed";
import { afterAll, expect, test } from "vitest";
import { plantedInCredits } from "./credits/planted";
import { type Fault, planted } from "./planted";
import { TIMEOUT_MS } from "./runs";

type Part = "model" | "credits";

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

async function plant(copy: string, { file, find, replace }: Fault<object>): Promise<void> {
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
  part: Part,
  about?: object,
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
        PROOF_PART: part,
        ...(about && { PROOF_ABOUT: JSON.stringify(about) }),
      },
    },
  );
  return JSON.parse(stdout.trim().split("\n").at(-1)!);
}

test.concurrent.each<Part>(["model", "credits"])(
  "the source as it is agrees with the histories of %s",
  { timeout: TIMEOUT_MS },
  async (part) => {
    expect(await prove(await copyOf(`as it is for ${part}`), HISTORIES.control, part)).toMatchObject({
      outcome: "agreed",
      histories: HISTORIES.control,
    });
  },
);

const faults = [
  ...planted.map((fault) => ({ part: "model" as Part, ...fault })),
  ...plantedInCredits.map((fault) => ({ part: "credits" as Part, ...fault })),
];

test.concurrent.each(faults)("it is caught: $name", { timeout: TIMEOUT_MS }, async ({ part, ...fault }) => {
  const copy = await copyOf(fault.name);
  await plant(copy, fault);
  expect(await prove(copy, HISTORIES.planted, part, fault.about)).toMatchObject({ outcome: "caught" });
});
