import { ts } from "ts-morph";
import { type Code, linesOf, nodes, type Rule } from "./code";

const FILE_LINES = 300;
const FUNCTION_LINES = 70;
const HANDLER_LINES = 25;
const SCRIPTS = 12;
/** Folders below src/: server/<slice>/kinds. */
const SERVER_DEPTH = 3;
const LAZY_NAMES = /^(utils?|helpers?|common|misc|shared|index)(\.tsx?)?$/;

type FunctionNode = ts.FunctionDeclaration | ts.FunctionExpression | ts.ArrowFunction | ts.MethodDeclaration;

function isFunction(node: ts.Node): node is FunctionNode {
  return (
    ts.isFunctionDeclaration(node) ||
    ts.isFunctionExpression(node) ||
    ts.isArrowFunction(node) ||
    ts.isMethodDeclaration(node)
  );
}

/** `describe` only groups tests: its callback is no function to be read top-down. */
function isGroup(node: ts.Node): boolean {
  return ts.isCallExpression(node.parent) && /^describe\b/.test(node.parent.expression.getText());
}

const lines = (text: string) => text.replace(/\n$/, "").split("\n").length;
const repeated = (line: string, count: number) => `${line}\n`.repeat(count);

export const sizeRules: Rule[] = [
  {
    name: `a file has at most ${FILE_LINES} lines`,
    breaches: (code) =>
      code
        .scripts("src/", "tests/")
        .filter((file) => lines(code.text(file)) > FILE_LINES)
        .map((file) => `${file}: ${lines(code.text(file))} lines`),
    bad: [{ "src/lib/long.ts": repeated("export {};", FILE_LINES + 1) }],
  },
  {
    name: `a function has at most ${FUNCTION_LINES} lines`,
    breaches: (code) =>
      code.scripts("src/", "tests/").flatMap((file) => {
        const tree = code.tree(file);
        return nodes(tree)
          .filter((node) => isFunction(node) && !isGroup(node) && linesOf(node, tree) > FUNCTION_LINES)
          .map(
            (node) =>
              `${file}:${tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1}: ${linesOf(node, tree)} lines`,
          );
      }),
    bad: [
      { "src/lib/long.ts": `export function long() {\n${repeated("work();", FUNCTION_LINES)}}` },
      { "tests/long.test.ts": `test("x", () => {\n${repeated("work();", FUNCTION_LINES)}});` },
    ],
  },
  {
    name: `a router's handler makes one call: at most ${HANDLER_LINES} lines, and no database`,
    breaches: (code) =>
      code.paths(/^src\/server\/[\w-]+\/router\.ts$/).flatMap((file) => handlerBreaches(code, file)),
    bad: [
      { "src/server/guard/router.ts": `const a = p.query(() => {\n${repeated("work();", HANDLER_LINES)}});` },
      { "src/server/guard/router.ts": "const a = p.mutation(({ ctx }) => ctx.db.orm.select());" },
      { "src/server/guard/router.ts": "const a = p.mutation(({ ctx: { tx } }) => tx.select());" },
    ],
  },
  {
    name: "server code is at most three folders deep",
    breaches: (code) =>
      code.scripts("src/server/").filter((file) => file.split("/").length - 2 > SERVER_DEPTH),
    bad: [{ "src/server/billing/kinds/stripe/client.ts": "" }],
  },
  {
    name: "no barrels, and nothing called utils, helpers, common, misc or shared",
    breaches: (code) => [
      ...code
        .scripts("src/", "tests/")
        .filter((file) => file.split("/").some((part) => LAZY_NAMES.test(part))),
      ...code.scripts("src/").filter((file) => isBarrel(code.tree(file))),
    ],
    bad: [
      { "src/lib/utils.ts": "export const a = 1;" },
      { "src/components/index.ts": 'export { a } from "./a";' },
      { "src/components/common/card.tsx": "" },
      { "src/server/public.ts": 'export * from "./context";\nexport { a } from "./a";' },
    ],
  },
  {
    name: `package.json has at most ${SCRIPTS} scripts`,
    breaches: (code) => {
      const { scripts = {} } = JSON.parse(code.text("package.json")) as { scripts?: Record<string, string> };
      const count = Object.keys(scripts).length;
      return count > SCRIPTS ? [`package.json: ${count} scripts`] : [];
    },
    bad: [
      {
        "package.json": JSON.stringify({
          scripts: Object.fromEntries([..."abcdefghijklm"].map((key) => [key, ""])),
        }),
      },
    ],
  },
];

function handlerBreaches(code: Code, file: string): string[] {
  const tree = code.tree(file);
  const found: string[] = [];
  for (const node of nodes(tree)) {
    if (ts.isIdentifier(node) && /^(db|tx|orm)$/.test(node.text)) found.push(`${file}: touches ${node.text}`);
    if (!ts.isCallExpression(node) || !/\.(query|mutation|subscription)$/.test(node.expression.getText(tree)))
      continue;
    for (const handler of node.arguments)
      if (isFunction(handler) && linesOf(handler, tree) > HANDLER_LINES)
        found.push(`${file}: a handler of ${linesOf(handler, tree)} lines`);
  }
  return found;
}

function isBarrel(tree: ts.SourceFile): boolean {
  return (
    tree.statements.length > 0 &&
    tree.statements.every((one) => ts.isExportDeclaration(one) && one.moduleSpecifier !== undefined)
  );
}
