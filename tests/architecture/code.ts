import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { ts } from "ts-morph";

export interface Import {
  specifier: string;
  /** The project's own file, or null for a package. */
  target: string | null;
  typeOnly: boolean;
  names: string[];
}

/** One house rule. `bad` holds code bases that break it: a rule that no longer bites fails its own test. */
export interface Rule {
  name: string;
  /** Every breach, as `path: what is wrong`. */
  breaches: (code: Code) => string[];
  bad: Record<string, string>[];
}

const UNREAD = /^(node_modules|\.git|screenshots|\.next.*|\.data.*)$/;
const READ = /\.(tsx?|mts|sql|md|json|css|mjs)$|^\.env\.example$/;

/** The project's files with their imports, read once; or a made-up code base that shows a rule at work. */
export class Code {
  readonly #trees = new Map<string, ts.SourceFile>();
  readonly #imports = new Map<string, Import[]>();

  constructor(readonly files: ReadonlyMap<string, string>) {}

  static of(files: Record<string, string>): Code {
    return new Code(new Map(Object.entries(files)));
  }

  static read(root: string): Code {
    const files = new Map<string, string>();
    const visit = (folder: string) => {
      for (const entry of readdirSync(path.join(root, folder), { withFileTypes: true })) {
        if (UNREAD.test(entry.name)) continue;
        const file = path.posix.join(folder, entry.name);
        if (entry.isDirectory()) visit(file);
        else files.set(file, READ.test(entry.name) ? readFileSync(path.join(root, file), "utf8") : "");
      }
    };
    visit("");
    return new Code(files);
  }

  text(file: string): string {
    return this.files.get(file) ?? "";
  }

  /** Paths that match, sorted. */
  paths(pattern: RegExp): string[] {
    return [...this.files.keys()].filter((file) => pattern.test(file)).sort();
  }

  /** TypeScript files below the given folders. */
  scripts(...folders: string[]): string[] {
    return this.paths(/\.tsx?$/).filter((file) => folders.some((folder) => file.startsWith(folder)));
  }

  /** A file, or a folder that holds one. */
  has(target: string): boolean {
    return (
      this.files.has(target) ||
      [...this.files.keys()].some((file) => file.startsWith(`${target.replace(/\/$/, "")}/`))
    );
  }

  tree(file: string): ts.SourceFile {
    let tree = this.#trees.get(file);
    if (!tree) {
      const kind = file.endsWith("x") ? ts.ScriptKind.TSX : ts.ScriptKind.TS;
      tree = ts.createSourceFile(file, this.text(file), ts.ScriptTarget.Latest, true, kind);
      this.#trees.set(file, tree);
    }
    return tree;
  }

  /** Imports, re-exports and `import()` of a file, type-only ones included. */
  imports(file: string): Import[] {
    let found = this.#imports.get(file);
    if (!found) {
      found = nodes(this.tree(file)).flatMap((node) =>
        importOf(node, (specifier) => this.#resolve(file, specifier)),
      );
      this.#imports.set(file, found);
    }
    return found;
  }

  #resolve(from: string, specifier: string): string | null {
    const base = specifier.startsWith("@/")
      ? `src/${specifier.slice(2)}`
      : specifier.startsWith("@tests/")
        ? `tests/${specifier.slice(7)}`
        : specifier.startsWith(".")
          ? path.posix.join(path.posix.dirname(from), specifier)
          : null;
    if (base === null) return null;
    const candidates = [base, `${base}.ts`, `${base}.tsx`, `${base}/index.ts`];
    return candidates.find((candidate) => this.files.has(candidate)) ?? base;
  }
}

const walked = new WeakMap<ts.Node, readonly ts.Node[]>();

/** A tree's nodes, parents first; walked once. */
export function nodes(root: ts.Node): readonly ts.Node[] {
  const known = walked.get(root);
  if (known) return known;
  const found: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    found.push(node);
    ts.forEachChild(node, visit);
  };
  visit(root);
  walked.set(root, found);
  return found;
}

export function linesOf(node: ts.Node, tree: ts.SourceFile): number {
  const line = (position: number) => tree.getLineAndCharacterOfPosition(position).line;
  return line(node.getEnd()) - line(node.getStart(tree)) + 1;
}

/** Names a file exports, types included. */
export function exportsOf(tree: ts.SourceFile): string[] {
  return tree.statements.flatMap((statement) => {
    const modifiers = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : [];
    if (ts.isExportDeclaration(statement))
      return statement.exportClause && ts.isNamedExports(statement.exportClause)
        ? statement.exportClause.elements.map((element) => element.name.text)
        : [];
    if (!modifiers.some((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword)) return [];
    if (ts.isVariableStatement(statement))
      return statement.declarationList.declarations.map((declaration) => declaration.name.getText(tree));
    const { name } = statement as { name?: ts.Node };
    return name ? [name.getText(tree)] : [];
  });
}

function importOf(node: ts.Node, resolve: (specifier: string) => string | null): Import[] {
  const make = (specifier: string, typeOnly: boolean, names: string[]) => [
    { specifier, target: resolve(specifier), typeOnly, names },
  ];
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    const clause = node.importClause;
    const bindings = clause?.namedBindings;
    const elements = bindings && ts.isNamedImports(bindings) ? bindings.elements : [];
    const names = [
      ...(clause?.name ? [clause.name.text] : []),
      ...elements.map((one) => (one.propertyName ?? one.name).text),
    ];
    const onlyTypes = elements.length > 0 && !clause?.name && elements.every((one) => one.isTypeOnly);
    return make(node.moduleSpecifier.text, clause?.isTypeOnly === true || onlyTypes, names);
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier))
    return make(node.moduleSpecifier.text, node.isTypeOnly, []);
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const [argument] = node.arguments;
    return argument && ts.isStringLiteral(argument) ? make(argument.text, false, []) : [];
  }
  if (
    ts.isImportTypeNode(node) &&
    ts.isLiteralTypeNode(node.argument) &&
    ts.isStringLiteral(node.argument.literal)
  )
    return make(node.argument.literal.text, true, []);
  return [];
}
