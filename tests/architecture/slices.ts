import { type Code, exportsOf, type Rule } from "./code";

/** The one order of everything: a file imports from its own line or from lines above it. */
const LAYERS: readonly (readonly string[])[] = [
  ["src/lib/"],
  ["src/config/"],
  ["src/env.ts"],
  ["src/components/"],
  ["src/server/errors.ts", "src/server/context.ts", "src/server/parse.ts", "src/server/db/"],
  ["src/server/events/"],
  ["src/server/accounts/"],
  ["src/server/plans/"],
  ["src/server/ledger/"],
  ["src/server/entitlements/"],
  ["src/server/credits/"],
  ["src/server/quota/"],
  ["src/server/guard/"],
  ["src/server/trpc.ts"],
  ["src/server/webhooks/"],
  ["src/server/stripe/"],
  ["src/server/subscriptions/"],
  ["src/server/orders/"],
  ["src/server/top-ups/"],
  ["src/server/invoices/"],
  ["src/server/plan-moves/"],
  ["src/server/sync/"],
  ["src/server/billing/"],
  ["src/server/back-office/"],
  ["src/server/reconcile/"],
  ["src/server/trials/"],
  ["src/server/notifications/"],
  ["src/server/demo/"],
  ["src/server/admin/"],
  ["src/server/time/"],
  ["src/server/"],
  ["src/client/"],
  ["src/trpc/"],
  ["src/app/", "src/proxy.ts", "src/instrumentation.ts"],
  ["src/commands/"],
];

/** A slice's own words. Everything else in it is a verb or a noun, named after what it exports. */
const VOCABULARY =
  /^(tables|inputs|rules|service|router|jobs|auth|request|procedure)\.ts$|^README\.md$|\.sql$/;
/** Where a slice meets the framework. */
const EDGE = /^src\/server\/[\w-]+\/(router|auth|request)\.ts$/;
/** What only edges may import although it stands higher: the procedure ladder and the process's singletons. */
const LADDER = /^src\/server\/(trpc|runtime)\.ts$/;
const VAGUE = /^(utils?|helpers?|common|misc|shared|index|types)\.ts$/;
const COMPOSITION = /^src\/server\/[\w-]+\.ts$/;
const TIME_MACHINE = /^src\/server\/time(-machine\.ts$|\/)/;
const SLICE = /^src\/server\/([\w-]+)\//;

const layerOf = (file: string) =>
  LAYERS.findIndex((layer) => layer.some((prefix) => file.startsWith(prefix)));
const sliceOf = (file: string) => SLICE.exec(file)?.[1];
const slicesOf = (code: Code) =>
  new Set(
    code
      .scripts("src/server/")
      .flatMap((file) => sliceOf(file) ?? [])
      .filter((slice) => slice !== "db"),
  );

export const sliceRules: Rule[] = [
  {
    name: "a slice's files are its vocabulary, verbs and nouns named after what they export, and kinds/",
    breaches: (code) =>
      code.paths(/^src\/server\/[\w-]+\//).flatMap((file) => {
        const slice = sliceOf(file);
        if (slice === "db") return [];
        const name = file.slice(`src/server/${slice}/`.length).replace(/^kinds\//, "");
        if (name.includes("/")) return [`${file}: the only sub-folder of a slice is kinds/`];
        if (VOCABULARY.test(name)) return [];
        if (VAGUE.test(name)) return [`${file}: says nothing about what is in it`];
        const words = name.replace(/\.ts$/, "").split("-");
        if (!words.every((word) => /^[a-z0-9]+$/.test(word)))
          return [`${file}: not lower-case words with dashes and .ts`];
        const exported = exportsOf(code.tree(file)).join(" ").toLowerCase();
        return words.some((word) => exported.includes(word.replace(/s$/, "")))
          ? []
          : [`${file}: exports nothing called ${words.join(" or ")}`];
      }),
    bad: [
      { "src/server/quota/types.ts": "export type Types = 1;" },
      { "src/server/quota/stuff.ts": "export const consume = 1;" },
      { "src/server/quota/Consume.ts": "export const consume = 1;" },
      { "src/server/quota/deep/consume.ts": "export const consume = 1;" },
    ],
  },
  {
    name: "every slice has its place in the order",
    breaches: (code) =>
      [...slicesOf(code)]
        .filter((slice) => !LAYERS.some(([prefix]) => prefix === `src/server/${slice}/`))
        .map((slice) => `src/server/${slice}/: add it to LAYERS in tests/architecture/slices.ts`),
    bad: [{ "src/server/novel/service.ts": "" }],
  },
  {
    name: "lower never imports higher",
    breaches: (code) =>
      code.scripts("src/").flatMap((file) =>
        layerOf(file) < 0
          ? []
          : code
              .imports(file)
              .filter(({ target }) => target !== null && layerOf(target) > layerOf(file))
              .filter(({ target }) => !(EDGE.test(file) && LADDER.test(target!)))
              .map(({ target }) => `${file}: imports ${target}`),
      ),
    bad: [
      {
        "src/server/ledger/gate.ts": 'import { check } from "../quota/check";',
        "src/server/quota/check.ts": "",
      },
      { "src/lib/money.ts": 'import type { Ctx } from "@/server/context";', "src/server/context.ts": "" },
      { "src/server/quota/check.ts": 'import { router } from "../trpc";', "src/server/trpc.ts": "" },
      { "src/app/page.tsx": 'import { seed } from "@/commands/seed";', "src/commands/seed.ts": "" },
    ],
  },
  {
    name: "no import cycles, type-only imports included",
    breaches: cycles,
    bad: [
      {
        "src/a.ts": 'import { b } from "./b";',
        "src/b.ts": 'import type { c } from "@/c";',
        "src/c.ts": 'export { a } from "./a";',
      },
    ],
  },
  {
    name: "what meets the framework (router, auth, request) is imported by the outside only",
    breaches: (code) =>
      code.scripts("src/server/").flatMap((file) =>
        EDGE.test(file) || COMPOSITION.test(file)
          ? []
          : code
              .imports(file)
              .filter(({ target }) => target !== null && EDGE.test(target))
              .map(({ target }) => `${file}: imports ${target}`),
      ),
    bad: [
      {
        "src/server/quota/check.ts": 'import { auth } from "../accounts/auth";',
        "src/server/accounts/auth.ts": "",
      },
    ],
  },
  {
    name: "a slice above the rooms of billing can be deleted: only the composition and routes import it",
    breaches: (code) =>
      code.scripts("src/", "tests/").flatMap((file) => {
        if (COMPOSITION.test(file) || file.startsWith("src/app/")) return [];
        return code
          .imports(file)
          .flatMap(({ target }) => (target && deletable(target) ? [target] : []))
          .filter(
            (target) => sliceOf(target) !== sliceOf(file) && !file.startsWith(`tests/${sliceOf(target)}/`),
          )
          .map((target) => `${file}: imports ${target}`);
      }),
    bad: [
      {
        "src/server/reconcile/service.ts": 'import { runs } from "../demo/tables";',
        "src/server/demo/tables.ts": "",
      },
    ],
  },
  {
    name: "the simulators stand alone: only commands and tests start them",
    breaches: (code) =>
      code.scripts("src/").flatMap((file) => {
        const simulator = file.startsWith("src/simulator/");
        if (file.startsWith("src/commands/")) return [];
        return code
          .imports(file)
          .filter(({ target }) => target?.startsWith("src/") && !/^src\/(lib\/|env\.ts)/.test(target))
          .filter(({ target }) => target!.startsWith("src/simulator/") !== simulator)
          .filter(({ target }) => simulator || target!.startsWith("src/simulator/"))
          .map(({ target }) => `${file}: imports ${target}`);
      }),
    bad: [
      {
        "src/server/runtime.ts": 'import { api } from "@/simulator/stripe/api";',
        "src/simulator/stripe/api.ts": "",
      },
      {
        "src/simulator/stripe/api.ts": 'import { runtime } from "@/server/runtime";',
        "src/server/runtime.ts": "",
      },
    ],
  },
  {
    name: "the time machine is loaded by pages and routes of a development only, which are named *.dev.*",
    breaches: (code) =>
      code.scripts("src/").flatMap((file) => {
        if (TIME_MACHINE.test(file) || /\.dev\.tsx?$/.test(file)) return [];
        return code
          .imports(file)
          .filter(({ target, typeOnly }) => target !== null && TIME_MACHINE.test(target) && !typeOnly)
          .map(({ target }) => `${file}: imports ${target}`);
      }),
    bad: [
      {
        "src/app/banner.tsx": 'import { timeMachine } from "@/server/time-machine";',
        "src/server/time-machine.ts": "",
      },
    ],
  },
  {
    name: "the client is copied elsewhere: besides types, it needs superjson and nothing of this repository",
    breaches: (code) =>
      code.scripts("src/client/").flatMap((file) =>
        code
          .imports(file)
          .filter(({ typeOnly, target, specifier }) =>
            target === null ? specifier !== "superjson" : !typeOnly && !target.startsWith("src/client/"),
          )
          .map(({ specifier }) => `${file}: imports ${specifier}`),
      ),
    bad: [
      { "src/client/send.ts": 'import { newId } from "@/lib/ids";', "src/lib/ids.ts": "" },
      { "src/client/send.ts": 'import { useState } from "react";' },
    ],
  },
];

function deletable(file: string): boolean {
  return SLICE.test(file) && layerOf(file) > layerOf("src/server/reconcile/") && sliceOf(file) !== "db";
}

/** Depth-first: an import of a file that is still open closes a circle. */
function cycles(code: Code): string[] {
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (file: string, open: string[]) => {
    if (open.includes(file)) found.push([...open.slice(open.indexOf(file)), file].join(" → "));
    if (done.has(file) || open.includes(file)) return;
    for (const { target } of code.imports(file))
      if (target && /\.tsx?$/.test(target) && code.files.has(target)) visit(target, [...open, file]);
    done.add(file);
  };
  for (const file of code.scripts("src/", "tests/")) visit(file, []);
  return found;
}
