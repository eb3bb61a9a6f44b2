import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { SchemaBundle } from "./types";

const here = path.dirname(fileURLToPath(import.meta.url));

/** Root of the installed `stripe` package and its version. */
async function installedStripe(): Promise<{ root: string; version: string }> {
  const entry = createRequire(import.meta.url).resolve("stripe");
  const root = entry.slice(0, entry.lastIndexOf(`${path.sep}stripe${path.sep}`) + "/stripe/".length);
  const manifest = JSON.parse(await readFile(path.join(root, "package.json"), "utf8")) as { version: string };
  return { root, version: manifest.version };
}

async function generatorHash(): Promise<string> {
  const hash = createHash("sha256");
  const names = (await readdir(here))
    .filter((name) => /^(convert|generate|keep|types)\.ts$/.test(name))
    .sort();
  for (const name of names) hash.update(await readFile(path.join(here, name)));
  return hash.digest("hex").slice(0, 12);
}

async function readBundle(file: string): Promise<SchemaBundle | null> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as SchemaBundle;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/**
 * The schemas of the installed `stripe`, from `schemaDir` or generated into it (about two seconds).
 * Safe to call from several processes at once: each writes its own file and renames it.
 */
export async function loadSchemaBundle(schemaDir: string): Promise<SchemaBundle> {
  const { root, version } = await installedStripe();
  const file = path.join(schemaDir, `stripe-schema-${version}-${await generatorHash()}.json`);
  const cached = await readBundle(file);
  if (cached) return cached;
  const { generateSchemaBundle } = await import("./generate");
  const bundle = generateSchemaBundle(root, version);
  await mkdir(schemaDir, { recursive: true });
  const temporary = `${file}.${randomUUID()}`;
  await writeFile(temporary, JSON.stringify(bundle));
  await rename(temporary, file);
  return bundle;
}
