import path from "node:path";
import { ts } from "ts-morph";
import { keepsType, opaqueSchema } from "./keep";
import { DEFS_URI, type JsonSchema } from "./types";

type Declared = ts.InterfaceDeclaration | ts.TypeAliasDeclaration;

const KEYWORDS = new Map<ts.SyntaxKind, JsonSchema>([
  [ts.SyntaxKind.StringKeyword, { type: "string" }],
  [ts.SyntaxKind.NumberKeyword, { type: "number" }],
  [ts.SyntaxKind.BooleanKeyword, { type: "boolean" }],
  [ts.SyntaxKind.ObjectKeyword, { type: "object" }],
  [ts.SyntaxKind.BigIntKeyword, { type: "string" }],
  [ts.SyntaxKind.VoidKeyword, { not: {} }],
]);

const isDeclared = (node: ts.Node): node is Declared =>
  ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node);

function listSchema(kind: "list" | "search_result", items: JsonSchema): JsonSchema {
  return {
    type: "object",
    required: ["object", "data", "has_more", "url"],
    additionalProperties: false,
    properties: {
      object: { const: kind },
      data: { type: "array", items },
      has_more: { type: "boolean" },
      url: { type: "string" },
      total_count: { type: "integer" },
      ...(kind === "search_result" ? { next_page: { type: ["string", "null"] } } : {}),
    },
  };
}

/** Turns TypeScript type nodes of the `stripe` declarations into JSON Schema, collecting what they refer to. */
export class TypeConverter {
  readonly defs: Record<string, JsonSchema> = {};
  private readonly pending: Array<[string, Declared[]]> = [];

  constructor(
    private readonly checker: ts.TypeChecker,
    private readonly root: string,
  ) {}

  /** Registers a declaration and answers a reference to it. */
  define(declarations: Declared[]): JsonSchema {
    const key = this.keyOf(declarations[0]!);
    if (!(key in this.defs)) {
      this.defs[key] = {};
      this.pending.push([key, declarations]);
    }
    return { $ref: DEFS_URI + encodeURIComponent(key) };
  }

  /** Converts everything referred to so far, until nothing new turns up. */
  drain(): void {
    for (let next = this.pending.shift(); next; next = this.pending.shift()) {
      const [key, declarations] = next;
      this.defs[key] = keepsType(key) ? this.declared(declarations) : opaqueSchema(key);
    }
    for (const schema of Object.values(this.defs)) this.resolvePartials(schema);
  }

  convert(node: ts.TypeNode | undefined): JsonSchema {
    if (!node) return {};
    const keyword = KEYWORDS.get(node.kind);
    if (keyword) return { ...keyword };
    if (ts.isLiteralTypeNode(node)) return this.literal(node.literal);
    if (ts.isParenthesizedTypeNode(node)) return this.convert(node.type);
    if (ts.isArrayTypeNode(node)) return { type: "array", items: this.convert(node.elementType) };
    if (ts.isUnionTypeNode(node)) return this.union(node.types);
    if (ts.isTypeReferenceNode(node)) return this.reference(node);
    if (ts.isTypeLiteralNode(node)) return this.object(node.members, []);
    if (ts.isIntersectionTypeNode(node)) return { allOf: node.types.map((type) => this.convert(type)) };
    return {};
  }

  private declared(declarations: Declared[]): JsonSchema {
    const interfaces = declarations.filter(ts.isInterfaceDeclaration);
    if (interfaces.length === 0) return this.convert((declarations[0] as ts.TypeAliasDeclaration).type);
    const members = interfaces.flatMap((each) => [...each.members]);
    return this.object(
      members,
      interfaces.flatMap((each) => [...(each.heritageClauses ?? [])]),
    );
  }

  private literal(node: ts.LiteralTypeNode["literal"]): JsonSchema {
    if (ts.isStringLiteral(node)) return { const: node.text };
    if (ts.isNumericLiteral(node)) return { const: Number(node.text) };
    if (node.kind === ts.SyntaxKind.NullKeyword) return { type: "null" };
    return { const: node.kind === ts.SyntaxKind.TrueKeyword };
  }

  // `OtherString` keeps Stripe's enums open for the compiler; left out here, a typo is caught again.
  private union(types: readonly ts.TypeNode[]): JsonSchema {
    const literals: string[] = [];
    const schemas: JsonSchema[] = [];
    let isOpen = false;
    for (const type of types) {
      if (ts.isTypeReferenceNode(type) && type.typeName.getText() === "OtherString") isOpen = true;
      else if (ts.isLiteralTypeNode(type) && ts.isStringLiteral(type.literal))
        literals.push(type.literal.text);
      else if (type.kind !== ts.SyntaxKind.UndefinedKeyword) schemas.push(this.convert(type));
    }
    if (literals.length > 0) schemas.push({ enum: literals });
    else if (isOpen) schemas.push({ type: "string" });
    return schemas.length === 1 ? schemas[0]! : { anyOf: schemas };
  }

  private reference(node: ts.TypeReferenceNode): JsonSchema {
    const found = this.checker.getSymbolAtLocation(node.typeName);
    const args = node.typeArguments ?? ts.factory.createNodeArray<ts.TypeNode>();
    const symbol = found && found.flags & ts.SymbolFlags.Alias ? this.checker.getAliasedSymbol(found) : found;
    const wellKnown = this.wellKnown(symbol?.name ?? node.typeName.getText(), args);
    if (wellKnown) return wellKnown;
    const declarations = symbol?.declarations?.filter(isDeclared) ?? [];
    return declarations.length > 0 ? this.define(declarations) : {};
  }

  private wellKnown(name: string, args: readonly ts.TypeNode[]): JsonSchema | null {
    switch (name) {
      case "Array":
        return { type: "array", items: this.convert(args[0]) };
      case "ApiList":
      case "ApiListPromise":
        return listSchema("list", this.convert(args[0]));
      case "ApiSearchResult":
      case "ApiSearchResultPromise":
        return listSchema("search_result", this.convert(args[0]));
      case "Promise":
      case "Response":
        return this.convert(args[0]);
      case "Emptyable": // a form sends '' for null
        return { anyOf: [{ const: "" }, this.convert(args[0])] };
      case "Partial":
        return { type: "object", "x-partial": this.convert(args[0]).$ref };
      case "MetadataParam": // in a form all values are text; as a number, "007" would become 7
        return { type: "object", additionalProperties: { type: "string" } };
      case "Record":
        return { type: "object" };
      case "Decimal":
      case "OtherString":
        return { type: "string" };
      case "Date":
        return { type: "integer" };
      default:
        return null;
    }
  }

  private object(members: Iterable<ts.TypeElement>, heritage: readonly ts.HeritageClause[]): JsonSchema {
    const properties: Record<string, JsonSchema> = {};
    const required = new Set<string>();
    let additionalProperties: unknown = false;
    for (const base of heritage.flatMap((clause) => [...clause.types])) {
      const inherited = this.inherited(base);
      Object.assign(properties, inherited.properties);
      for (const name of (inherited.required as string[] | undefined) ?? []) required.add(name);
      additionalProperties = inherited.additionalProperties || additionalProperties;
    }
    for (const member of members) {
      if (ts.isIndexSignatureDeclaration(member)) additionalProperties = this.convert(member.type);
      if (!ts.isPropertySignature(member)) continue;
      const name = (member.name as ts.Identifier | ts.StringLiteral).text;
      properties[name] = this.convert(member.type);
      if (!member.questionToken) required.add(name);
    }
    const schema: JsonSchema = { type: "object", properties, additionalProperties };
    if (required.size > 0) schema.required = [...required];
    return schema;
  }

  private inherited(base: ts.ExpressionWithTypeArguments): JsonSchema {
    const found = this.checker.getSymbolAtLocation(base.expression);
    const symbol = found && found.flags & ts.SymbolFlags.Alias ? this.checker.getAliasedSymbol(found) : found;
    const declarations = symbol?.declarations?.filter(isDeclared) ?? [];
    return declarations.length > 0 ? this.declared(declarations) : {};
  }

  // previous_attributes may hold any subset of an object's fields, and nothing else.
  private resolvePartials(schema: unknown): void {
    if (!schema || typeof schema !== "object") return;
    const node = schema as JsonSchema;
    if (typeof node["x-partial"] === "string") {
      const target = this.defs[decodeURIComponent(node["x-partial"].slice(DEFS_URI.length))];
      const names = Object.keys((target?.properties as object | undefined) ?? {});
      if (names.length > 0) {
        node.properties = Object.fromEntries(names.map((name) => [name, {}]));
        node.additionalProperties = false;
      }
      delete node["x-partial"];
    }
    for (const child of Object.values(node)) this.resolvePartials(child);
  }

  private keyOf(declaration: Declared): string {
    const names: string[] = [];
    for (let node: ts.Node | undefined = declaration; node; node = node.parent) {
      if (isDeclared(node) || ts.isModuleDeclaration(node)) names.unshift(node.name.text);
    }
    const file = path.relative(this.root, declaration.getSourceFile().fileName);
    return `${file.replace(/\.d\.ts$/, "").replace(/^resources\//, "")}:${names.join(".")}`;
  }
}
