import Ajv, { type ErrorObject, type ValidateFunction } from "ajv";
import { DEFS_URI, type EndpointSchema, type JsonSchema, type SchemaBundle } from "./types";

export interface MatchedEndpoint extends EndpointSchema {
  pattern: RegExp;
}

/** A parsed request and what is wrong with it (nothing, when `problems` is empty). */
export interface CheckedRequest {
  params: Record<string, unknown>;
  problems: ErrorObject[];
}

const STRUCTURAL_KEYWORDS = new Set(["anyOf", "oneOf", "allOf", "if"]);

function pathPattern(template: string): RegExp {
  return new RegExp(`^${template.replaceAll(".", "\\.").replaceAll("{}", "([^/]+)")}$`);
}

function placeholders(template: string): number {
  return template.split("{}").length;
}

function ajvFor(bundle: SchemaBundle, coerceTypes: boolean): Ajv {
  const ajv = new Ajv({
    strict: false,
    allErrors: true,
    coerceTypes,
    validateSchema: false,
    // Twice as quick to compile; what is compiled here runs a few times only.
    code: { optimize: false },
    logger: false,
  });
  return ajv.addSchema({ $id: "stripe", $defs: bundle.$defs });
}

/** One line per problem, the deepest first; the noise of failed union branches is left out. */
export function describeProblems(problems: ErrorObject[]): string[] {
  const telling = problems.filter((problem) => !STRUCTURAL_KEYWORDS.has(problem.keyword));
  const sorted = (telling.length > 0 ? telling : problems).toSorted(
    (a, b) => b.instancePath.split("/").length - a.instancePath.split("/").length,
  );
  const lines = sorted.map((problem) => {
    const params = problem.params as { additionalProperty?: string; allowedValues?: unknown[] };
    const extra = params.additionalProperty ? ` "${params.additionalProperty}"` : "";
    const allowed = params.allowedValues ? `: ${params.allowedValues.slice(0, 8).join(", ")}` : "";
    return `${problem.instancePath || "/"} ${problem.message}${extra}${allowed}`;
  });
  return [...new Set(lines)];
}

/** Checks requests, responses and events against the schemas; validators are compiled on first use. */
export class SchemaValidator {
  private readonly endpoints: MatchedEndpoint[];
  private readonly otherEndpoints: Array<{ method: string; pattern: RegExp }>;
  private readonly compiled = new Map<string, ValidateFunction>();
  private readonly strict: Ajv;
  private readonly coercing: Ajv;

  constructor(private readonly bundle: SchemaBundle) {
    this.strict = ajvFor(bundle, false);
    this.coercing = ajvFor(bundle, true);
    this.endpoints = bundle.endpoints
      .map((endpoint) => ({ ...endpoint, pattern: pathPattern(endpoint.path) }))
      .sort((a, b) => placeholders(a.path) - placeholders(b.path));
    this.otherEndpoints = bundle.otherEndpoints.map((each) => {
      const [method = "", template = ""] = each.split(" ");
      return { method, pattern: pathPattern(template) };
    });
  }

  /** The described endpoint for a request, if Stripe has it and the bundle describes it. */
  find(method: string, path: string): MatchedEndpoint | undefined {
    return this.endpoints.find((endpoint) => endpoint.method === method && endpoint.pattern.test(path));
  }

  /** Whether the SDK knows an endpoint that the bundle does not describe. */
  knows(method: string, path: string): boolean {
    return this.otherEndpoints.some((each) => each.method === method && each.pattern.test(path));
  }

  /** Coerces a decoded form in place (every value arrives as a string) and checks it. */
  request(endpoint: EndpointSchema, params: Record<string, unknown>): CheckedRequest {
    const key = `request ${endpoint.method} ${endpoint.path}`;
    const validate = this.compile(this.coercing, key, endpoint.request);
    return { params, problems: validate(params) ? [] : [...(validate.errors ?? [])] };
  }

  response(endpoint: EndpointSchema, body: unknown): string[] {
    return this.check(`response ${endpoint.method} ${endpoint.path}`, endpoint.response, body);
  }

  event(event: { type: string }): string[] {
    const schema = this.bundle.events[event.type];
    if (!schema) return [`unknown event type ${event.type}`];
    return this.check(`event ${event.type}`, schema, event);
  }

  /** Checks an object against a named definition, for example `Customers:Customer`. */
  object(definition: string, value: unknown): string[] {
    return this.check(`object ${definition}`, { $ref: DEFS_URI + encodeURIComponent(definition) }, value);
  }

  private check(key: string, schema: JsonSchema, value: unknown): string[] {
    const validate = this.compile(this.strict, key, schema);
    return validate(value) ? [] : describeProblems(validate.errors ?? []);
  }

  private compile(ajv: Ajv, key: string, schema: JsonSchema): ValidateFunction {
    const known = this.compiled.get(key);
    if (known) return known;
    const validate = ajv.compile(schema);
    this.compiled.set(key, validate);
    return validate;
  }
}
