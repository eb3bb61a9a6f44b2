import path from "node:path";
import { initTRPC, lazy } from "@trpc/server";
import { describe, expect, test } from "vitest";
import { Code, type Rule } from "./architecture/code";
import { undeclared } from "./architecture/policies";
import { purityRules } from "./architecture/purity";
import { sizeRules } from "./architecture/size";
import { sliceRules } from "./architecture/slices";
import { wordRules } from "./architecture/words";

const rules: Rule[] = [...sliceRules, ...purityRules, ...sizeRules, ...wordRules];
const code = Code.read(path.resolve("."));

describe("the house rules hold", () => {
  test.each(rules)("$name", ({ breaches }) => {
    expect(breaches(code)).toEqual([]);
  });

  test("every procedure declares who may call it", async () => {
    const { appRouter } = await import("@/server/root");
    expect(undeclared(appRouter)).toEqual([]);
  });
});

describe("every rule bites", () => {
  test.each(rules.flatMap(({ name, breaches, bad }) => bad.map((files) => ({ name, breaches, files }))))(
    "$name",
    ({ breaches, files }) => {
      expect(breaches(Code.of(files)).length).toBeGreaterThan(0);
    },
  );

  test("a procedure without a policy, or hidden in a lazy router, is found", () => {
    const t = initTRPC.meta<{ access?: string }>().create();
    const open = t.router({ quiet: t.procedure.query(() => 1) });
    const declared = t.router({ open: t.procedure.meta({ access: "public" }).query(() => 1) });
    expect(undeclared(open)).toEqual(["quiet: declares no access"]);
    expect(undeclared(t.router({ open }))).toEqual(["open.quiet: declares no access"]);
    expect(undeclared(t.router({ later: lazy(async () => declared) }))).toEqual([
      "later: a lazy router hides its procedures",
    ]);
    expect(undeclared(declared)).toEqual([]);
  });
});
