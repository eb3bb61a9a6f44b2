import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { borrowDatabase, type TestDatabase } from "@tests/support/database";
import { seed } from "@tests/support/seed";
import { afterAll, expect, test } from "vitest";
import { repeatableSql } from "@/server/db/migrate";
import { compile } from "./child";
import { plantedInCredits } from "./credits/planted";
import { type Fault, planted } from "./planted";
import { TIMEOUT_MS } from "./runs";

type Part = "model" | "credits";

/** More than any of them needs; the source as it is agrees throughout. */
const HISTORIES = { planted: 2_000, control: 40 };
const asItIs = await compile("planted-run.ts");
afterAll(asItIs.remove);

/** The short proof, in a process of its own. */
async function prove(
  file: string,
  { appUrl, ownerUrl }: TestDatabase,
  wish: { part: Part; histories: number; about?: object; seed?: number },
): Promise<{ outcome: string; histories: number }> {
  const run = { appUrl, ownerUrl, ...wish, seed: wish.seed ?? seed };
  const { stdout } = await promisify(execFile)(process.execPath, [file, JSON.stringify(run)]);
  return JSON.parse(stdout.trim().split("\n").at(-1)!);
}

function change(text: string, { find, replace }: Fault<object>): string {
  expect(text.split(find).length - 1).toBe(1);
  return text.replace(find, () => replace);
}

/** The database's functions as they would be with the fault: a file may drop what others have made, so all are made anew. */
async function plantInDatabase({ owner }: TestDatabase, fault: Fault<object>): Promise<void> {
  const files = await repeatableSql();
  await owner.begin(async (tx) => {
    await tx`set local check_function_bodies = off`;
    for (const { file, text } of files)
      await tx.unsafe(fault.file === `src/server/${file}` ? change(text, fault) : text);
  });
}

test.concurrent.each<Part>(["model", "credits"])(
  "the source as it is agrees with the histories of %s",
  { timeout: TIMEOUT_MS },
  async (part) => {
    const { drop, ...database } = await borrowDatabase();
    const wish = { part, histories: HISTORIES.control };
    expect(await prove(asItIs.file, database, wish)).toMatchObject({
      outcome: "agreed",
      histories: HISTORIES.control,
    });
    await drop();
  },
);

const faults = [
  ...planted.map((fault) => ({ part: "model" as Part, ...fault })),
  ...plantedInCredits.map((fault) => ({ part: "credits" as Part, ...fault })),
];

test.concurrent.each(faults)("it is caught: $name", { timeout: TIMEOUT_MS }, async ({ part, ...fault }) => {
  const { drop, ...database } = await borrowDatabase();
  const inDatabase = fault.file.endsWith(".sql");
  if (inDatabase) await plantInDatabase(database, fault);
  const program = inDatabase
    ? asItIs
    : await compile("planted-run.ts", { file: fault.file, change: (text) => change(text, fault) });
  const wish = { part, histories: HISTORIES.planted, about: fault.about, seed: fault.seed };
  expect(await prove(program.file, database, wish)).toMatchObject({ outcome: "caught" });
  if (program !== asItIs) await program.remove();
  await drop();
});
