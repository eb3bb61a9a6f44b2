import { ts } from "ts-morph";
import { type Code, nodes, type Rule } from "./code";

const OUTSIDE = /^src\/(app|components|trpc|lib|config)\//;
const PURE = /^src\/server\/[\w-]+\/(kinds\/)?(router|rules|inputs|request)\.ts$/;
const TABLES = /^src\/server\/[\w-]+\/tables\.ts$/;
const EDGE = /^src\/server\/([\w-]+\/(router|auth|request)|trpc|root)\.ts$/;

function importsIn(
  code: Code,
  files: string[],
  forbidden: (found: ReturnType<Code["imports"]>[number]) => boolean,
): string[] {
  return files.flatMap((file) =>
    code
      .imports(file)
      .filter(forbidden)
      .map(({ specifier }) => `${file}: imports ${specifier}`),
  );
}

/** `new Date()`, `Date.now()`, `Math.random()` and `process.env`, as they stand in the syntax tree. */
function impureReads(code: Code, file: string): { clock: string[]; environment: string[] } {
  const found = { clock: [] as string[], environment: [] as string[] };
  for (const node of nodes(code.tree(file))) {
    if (ts.isNewExpression(node) && node.expression.getText() === "Date" && !node.arguments?.length)
      found.clock.push("new Date()");
    if (!ts.isPropertyAccessExpression(node)) continue;
    const text = node.getText();
    if (text === "Date.now" || text === "Math.random") found.clock.push(text);
    if (text === "process.env") found.environment.push(text);
  }
  return found;
}

const isDatabase = ({ specifier, target }: { specifier: string; target: string | null }) =>
  /^(drizzle-orm|postgres)($|\/)/.test(specifier) || target?.startsWith("src/server/db/") === true;

export const purityRules: Rule[] = [
  {
    name: "the database is for tables, verbs, jobs and db/: no router, rule, input, route or component imports it",
    breaches: (code) =>
      importsIn(
        code,
        code.scripts("src/").filter((file) => OUTSIDE.test(file) || PURE.test(file)),
        (found) =>
          isDatabase(found) || (!found.typeOnly && found.target !== null && TABLES.test(found.target)),
      ),
    bad: [
      { "src/server/guard/router.ts": 'import { eq } from "drizzle-orm";' },
      {
        "src/server/quota/rules.ts": 'import type { Tx } from "../db/client";',
        "src/server/db/client.ts": "",
      },
      {
        "src/app/page.tsx": 'import { users } from "@/server/accounts/tables";',
        "src/server/accounts/tables.ts": "",
      },
    ],
  },
  {
    name: "process.env is read in src/env.ts, commands, tests and tool configs",
    breaches: (code) =>
      code
        .scripts("src/")
        .filter((file) => file !== "src/env.ts" && !file.startsWith("src/commands/"))
        .flatMap((file) => impureReads(code, file).environment.map((text) => `${file}: ${text}`)),
    bad: [{ "src/server/runtime.ts": "const url = process.env.DATABASE_URL;" }],
  },
  {
    name: "the clock and chance are read in lib/, context.ts, simulators and commands",
    breaches: (code) =>
      code
        .scripts("src/")
        .filter((file) => !/^src\/(lib\/|simulator\/|commands\/|server\/context\.ts$)/.test(file))
        .flatMap((file) => impureReads(code, file).clock.map((text) => `${file}: ${text}`)),
    bad: [
      { "src/server/quota/check.ts": "const now = new Date();" },
      { "src/app/page.tsx": "const now = Date.now();" },
      { "src/server/quota/check.ts": "const lucky = Math.random() > 0.5;" },
    ],
  },
  {
    name: "the server's core knows no framework: next, tRPC and React are for router, auth, request, trpc and root",
    breaches: (code) =>
      importsIn(
        code,
        code.scripts("src/server/").filter((file) => !EDGE.test(file)),
        ({ specifier }) => /^(next|next-auth|@trpc|@auth|react|react-dom)($|\/)/.test(specifier),
      ),
    bad: [
      { "src/server/quota/rules.ts": 'import { TRPCError } from "@trpc/server";' },
      { "src/server/quota/service.ts": 'import { headers } from "next/headers";' },
    ],
  },
  {
    name: "components know no server, and client components only its types",
    breaches: (code) => [
      ...importsIn(
        code,
        code.scripts("src/components/"),
        ({ target }) => target?.startsWith("src/server/") === true,
      ),
      ...importsIn(
        code,
        code.scripts("src/").filter((file) => /^\s*["']use client["']/.test(code.text(file))),
        ({ target, typeOnly }) => target?.startsWith("src/server/") === true && !typeOnly,
      ),
    ],
    bad: [
      {
        "src/components/card.tsx": 'import type { Ctx } from "@/server/context";',
        "src/server/context.ts": "",
      },
      {
        "src/app/form.tsx": '"use client";\nimport { limit } from "@/server/quota/rules";',
        "src/server/quota/rules.ts": "",
      },
    ],
  },
  {
    name: "provenTenantId is called in accounts/, in jobs.ts, and beside the directory table that proves it",
    breaches: (code) =>
      code
        .scripts("src/")
        .filter((file) => code.imports(file).some(({ names }) => names.includes("provenTenantId")))
        .filter((file) => !/^src\/server\/(accounts\/|[\w-]+\/jobs\.ts$)/.test(file))
        .filter(
          (file) => !code.imports(file).some(({ names }) => names.some((name) => name.endsWith("Directory"))),
        )
        .map((file) => `${file}: mints a tenant id`),
    bad: [
      { "src/server/billing/router.ts": 'import { provenTenantId } from "@/lib/ids";' },
      { "src/app/page.tsx": 'import { provenTenantId as proven } from "@/lib/ids";' },
    ],
  },
  {
    name: "the product does not lean on its tests",
    breaches: (code) =>
      importsIn(code, code.scripts("src/"), ({ target }) => target?.startsWith("tests/") === true),
    bad: [{ "src/lib/money.ts": 'import { world } from "@tests/support/world";' }],
  },
];
