import { ts } from "ts-morph";
import { type Code, nodes, type Rule } from "./code";

/** Spelled in two halves, because this file is searched too. */
const UNFINISHED = new RegExp(`\\b(${"TO"}${"DO"}|${"FIX"}${"ME"})\\b`);
const SKIPS = new Set(["skip", "only", "todo", "skipIf", "runIf", "fails"]);
const TEST_CALLS = new Set(["test", "it", "describe"]);
/** What the map may point at: paths of the repository in back-ticks, and links. */
const MENTIONED_PATH =
  /`((?:src|tests|docs|public|\.ci)\/[^`\s*<]*|[\w.-]+\.(?:md|json|ts)|\.env\.example|\.nvmrc)`|\]\((?!https?:|#|mailto:)([^)#\s]+)/g;

function testCalls(code: Code): { file: string; node: ts.CallExpression; callee: string }[] {
  return code.scripts("tests/").flatMap((file) =>
    nodes(code.tree(file)).flatMap((node) => {
      if (!ts.isCallExpression(node)) return [];
      const callee = node.expression.getText();
      return TEST_CALLS.has(callee.split(/[.(]/)[0] ?? "") ? [{ file, node, callee }] : [];
    }),
  );
}

export const wordRules: Rule[] = [
  {
    name: "nothing is left unfinished",
    breaches: (code) =>
      code
        .paths(/^(src|tests|docs)\/.*\.(tsx?|sql|md|css)$|^README\.md$/)
        .flatMap((file) =>
          UNFINISHED.test(code.text(file)) ? [`${file}: ${UNFINISHED.exec(code.text(file))?.[0]}`] : [],
        ),
    bad: [{ "src/lib/money.ts": `// ${"TO"}${"DO"}: round` }],
  },
  {
    name: "no test is skipped, left alone, or expected to fail",
    breaches: (code) =>
      testCalls(code)
        .filter(({ callee }) => callee.split(".").some((part) => SKIPS.has(part.replace(/\(.*/s, ""))))
        .map(({ file, callee }) => `${file}: ${callee.slice(0, 40)}`),
    bad: [
      { "tests/a.test.ts": 'test.skip("a", () => {});' },
      { "tests/a.test.ts": 'describe.only("a", () => {});' },
      { "tests/a.test.ts": 'test.skipIf(true)("a", () => {});' },
    ],
  },
  {
    name: "a test's name states a guarantee: it says what is, not what should be",
    breaches: (code) =>
      testCalls(code).flatMap(({ file, node }) => {
        const name = node.arguments[0]?.getText() ?? "";
        return /^["'`].*\bshould\b/i.test(name) ? [`${file}: ${name}`] : [];
      }),
    bad: [{ "tests/a.test.ts": 'test("it should work", () => {});' }],
  },
  {
    name: "tests run on real modules: none is mocked",
    breaches: (code) =>
      code.scripts("tests/").flatMap((file) =>
        nodes(code.tree(file))
          .filter(
            (node) => ts.isCallExpression(node) && /^vi\.(mock|doMock)$/.test(node.expression.getText()),
          )
          .map(() => `${file}: mocks a module`),
      ),
    bad: [{ "tests/a.test.ts": 'vi.mock("@/env");' }],
  },
  {
    name: "every path that the README and the price list's guide name exists",
    breaches: (code) =>
      code.paths(/^(README|docs\/[\w-]+)\.md$/).flatMap((file) => {
        const mentioned = [...code.text(file).matchAll(MENTIONED_PATH)].map(
          (match) => match[1] ?? match[2] ?? "",
        );
        return [...new Set(mentioned)]
          .filter((target) => !code.has(target))
          .map((target) => `${file}: ${target} does not exist`);
      }),
    bad: [{ "README.md": "| price | `src/config/gone.ts` |" }, { "README.md": "[decisions](docs/gone.md)" }],
  },
  {
    name: "every environment variable stands in .env.example, and nothing else does",
    breaches: (code) => {
      const wanted = schemaKeys(code.tree("src/env.ts"));
      const shown = [...code.text(".env.example").matchAll(/^#? ?([A-Z][A-Z0-9_]+)=/gm)].map(
        (match) => match[1] ?? "",
      );
      if (wanted.length === 0) return ["src/env.ts: no variables found"];
      return [
        ...wanted.filter((name) => !shown.includes(name)).map((name) => `.env.example: lacks ${name}`),
        ...shown
          .filter((name) => !wanted.includes(name))
          .map((name) => `.env.example: ${name} is not read by src/env.ts`),
      ];
    },
    bad: [
      {
        "src/env.ts": "z.object({ APP_URL: z.string(), MAIL_FROM: z.string() })",
        ".env.example": "APP_URL=",
      },
      { "src/env.ts": "z.object({ APP_URL: z.string() })", ".env.example": "APP_URL=\nOLD=" },
      { "src/env.ts": "", ".env.example": "" },
    ],
  },
];

/** Keys of what is given to `z.object`. */
function schemaKeys(tree: ts.SourceFile): string[] {
  return nodes(tree).flatMap((node) => {
    if (!ts.isCallExpression(node) || node.expression.getText(tree) !== "z.object") return [];
    const [shape] = node.arguments;
    if (!shape || !ts.isObjectLiteralExpression(shape)) return [];
    return shape.properties.flatMap((property) => property.name?.getText(tree) ?? []);
  });
}
