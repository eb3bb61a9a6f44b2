import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { ts } from "ts-morph";
import { TypeConverter } from "./convert";
import { keepsEndpoint, keepsEvent } from "./keep";
import type { EndpointSchema, JsonSchema, SchemaBundle } from "./types";

interface Endpoint {
  method: string;
  path: string;
  params: ts.TypeNode | undefined;
  result: ts.TypeNode | undefined;
}

const NO_PARAMS: JsonSchema = { type: "object", additionalProperties: false, properties: {} };

function declarationFiles(dir: string): string[] {
  const entries = readdirSync(dir, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(".d.ts"))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
}

function pathTemplate(node: ts.Expression | undefined): string | null {
  if (!node) return null;
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return null;
  return node.head.text + node.templateSpans.map((span) => `{}${span.literal.text}`).join("");
}

function requestsMadeBy(method: ts.Node): Array<{ method: string; path: string }> {
  const requests: Array<{ method: string; path: string }> = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && node.expression.getText().endsWith("_makeRequest")) {
      const verb = node.arguments[0];
      const template = pathTemplate(node.arguments[1]);
      if (verb && ts.isStringLiteral(verb) && template) requests.push({ method: verb.text, path: template });
    }
    ts.forEachChild(node, visit);
  };
  visit(method);
  return requests;
}

function methodsByName(declaration: ts.ClassDeclaration): Map<string, ts.MethodDeclaration> {
  const methods = declaration.members.filter(ts.isMethodDeclaration);
  return new Map(methods.map((method) => [method.name.getText(), method]));
}

/** The types stand in the `.d.ts`, the HTTP method and path in the `.js` beside it: pair them by name. */
function endpointsOf(declarations: ts.SourceFile): Endpoint[] {
  const scriptFile = declarations.fileName.replace(/\.d\.ts$/, ".js");
  if (!existsSync(scriptFile)) return [];
  const script = ts.createSourceFile(
    scriptFile,
    readFileSync(scriptFile, "utf8"),
    ts.ScriptTarget.ES2022,
    true,
  );
  const bodies = new Map(
    script.statements.filter(ts.isClassDeclaration).map((each) => [each.name?.text, methodsByName(each)]),
  );
  const endpoints: Endpoint[] = [];
  for (const declaration of declarations.statements.filter(ts.isClassDeclaration)) {
    for (const [name, method] of methodsByName(declaration)) {
      const body = bodies.get(declaration.name?.text)?.get(name);
      const params = method.parameters.find((parameter) => parameter.name.getText() === "params")?.type;
      for (const request of body ? requestsMadeBy(body) : []) {
        endpoints.push({ ...request, params, result: method.type });
      }
    }
  }
  return endpoints;
}

function eventInterfaces(file: ts.SourceFile): Array<[string, ts.InterfaceDeclaration]> {
  const found: Array<[string, ts.InterfaceDeclaration]> = [];
  for (const node of file.statements.filter(ts.isInterfaceDeclaration)) {
    if (node.heritageClauses?.[0]?.types[0]?.expression.getText() !== "EventBase") continue;
    const type = node.members
      .filter(ts.isPropertySignature)
      .find((member) => member.name.getText() === "type")?.type;
    if (type && ts.isLiteralTypeNode(type) && ts.isStringLiteral(type.literal))
      found.push([type.literal.text, node]);
  }
  return found;
}

function readApiVersion(root: string): string {
  const source = readFileSync(path.join(root, "esm", "apiVersion.js"), "utf8");
  const version = source.match(/ApiVersion = '([^']+)'/)?.[1];
  if (!version) throw new Error("The installed stripe package names no API version");
  return version;
}

/** Derives request, response and event schemas from the declarations of the `stripe` package at `root`. */
export function generateSchemaBundle(root: string, stripeVersion: string): SchemaBundle {
  const sources = path.join(root, "esm");
  const files = declarationFiles(path.join(sources, "resources"));
  const program = ts.createProgram(files, {
    skipLibCheck: true,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: [],
    lib: ["lib.es2022.d.ts"],
  });
  const converter = new TypeConverter(program.getTypeChecker(), sources);
  const endpoints = new Map<string, EndpointSchema>();
  const otherEndpoints = new Set<string>();
  for (const endpoint of files.flatMap((file) => endpointsOf(program.getSourceFile(file)!))) {
    const key = `${endpoint.method} ${endpoint.path}`;
    if (!keepsEndpoint(endpoint.path)) otherEndpoints.add(key);
    else if (!endpoints.has(key)) {
      endpoints.set(key, {
        method: endpoint.method,
        path: endpoint.path,
        request: endpoint.params ? converter.convert(endpoint.params) : NO_PARAMS,
        response: converter.convert(endpoint.result),
      });
    }
  }
  const events: Record<string, JsonSchema> = {};
  const eventFile = program.getSourceFile(path.join(sources, "resources", "Events.d.ts"))!;
  for (const [type, declaration] of eventInterfaces(eventFile)) {
    if (keepsEvent(type)) events[type] = converter.define([declaration]);
  }
  const eventInterface = eventFile.statements.filter(ts.isInterfaceDeclaration);
  converter.define(eventInterface.filter((node) => node.name.text === "EventBase"));
  converter.drain();
  return {
    stripeVersion,
    apiVersion: readApiVersion(root),
    endpoints: [...endpoints.values()],
    otherEndpoints: [...otherEndpoints].sort(),
    events,
    $defs: converter.defs,
  };
}
