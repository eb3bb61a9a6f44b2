import { parse } from "qs";
import { invalidRequest, notSimulated, StripeApiError } from "./errors";
import { expand } from "./expand";
import { fingerprint, type IdempotencyKeys, type StoredAnswer } from "./idempotency";
import { type Route, unsupportedParam } from "./routes";
import { type CheckedRequest, describeProblems, type MatchedEndpoint } from "./schema/validator";
import type { ApiFault } from "./settings";
import type { World } from "./world";

export interface ApiRequest {
  method: string;
  path: string;
  /** The form of a POST, or the query of anything else. */
  form: string;
  authorization: string | undefined;
  idempotencyKey: string | undefined;
  stripeVersion: string | undefined;
  stripeAccount: string | undefined;
}

export interface ApiAnswer extends StoredAnswer {
  headers: Record<string, string>;
  /** The answer is computed but must not reach the client. */
  lost?: Extract<ApiFault, "timeout" | "close">;
}

interface Wiring {
  world: World;
  routes: Route[];
  keys: IdempotencyKeys;
}

function authenticate(authorization: string | undefined): void {
  const [scheme, credentials = ""] = (authorization ?? "").split(" ");
  const key = scheme === "Basic" ? Buffer.from(credentials, "base64").toString().split(":")[0]! : credentials;
  if (key.startsWith("sk_test_sim")) return;
  const message = key
    ? `Invalid API Key provided: ${key.slice(0, 8)}***. The simulator accepts keys that start with sk_test_sim.`
    : "You did not provide an API key.";
  throw new StripeApiError(401, { message });
}

function parameterName(instancePath: string, property?: string): string {
  const parts = [...instancePath.split("/").filter(Boolean), ...(property ? [property] : [])];
  return parts.map((part, index) => (index === 0 ? part : `[${part}]`)).join("");
}

function refusal({ problems }: CheckedRequest): StripeApiError {
  const unknown = problems.find((problem) => problem.keyword === "additionalProperties");
  if (unknown) {
    const name = parameterName(unknown.instancePath, unknown.params.additionalProperty as string);
    return invalidRequest(`Received unknown parameter: ${name}`, name, "parameter_unknown");
  }
  const missing = problems.find((problem) => problem.keyword === "required");
  if (missing) {
    const name = parameterName(missing.instancePath, missing.params.missingProperty as string);
    return invalidRequest(`Missing required param: ${name}.`, name, "parameter_missing");
  }
  const name = parameterName(problems[0]?.instancePath ?? "");
  return invalidRequest(`Invalid ${name}: ${describeProblems(problems).slice(0, 3).join("; ")}`, name);
}

function findEndpoint(world: World, request: ApiRequest): MatchedEndpoint {
  const endpoint = world.validator.find(request.method, request.path);
  if (endpoint) return endpoint;
  const name = `${request.method} ${request.path}`;
  if (world.validator.knows(request.method, request.path)) throw notSimulated(name);
  throw new StripeApiError(404, {
    message: `Unrecognized request URL (${request.method}: ${request.path}).`,
  });
}

interface Prepared {
  endpoint: MatchedEndpoint;
  route: Route;
  ids: string[];
  params: Record<string, unknown>;
}

/** Everything that is refused before execution; nothing of it is stored under an idempotency key. */
function prepare({ world, routes }: Wiring, request: ApiRequest): Prepared {
  authenticate(request.authorization);
  if (request.stripeVersion && request.stripeVersion !== world.apiVersion) {
    throw invalidRequest(
      `The simulator speaks API version ${world.apiVersion}, not ${request.stripeVersion}.`,
    );
  }
  if (request.stripeAccount) throw notSimulated("connected accounts");
  const endpoint = findEndpoint(world, request);
  const form = parse(request.form, { depth: 20, arrayLimit: 1000, parameterLimit: 5000 });
  const checked = world.validator.request(endpoint, form as Record<string, unknown>);
  if (checked.problems.length > 0) throw refusal(checked);
  const route = routes.find((each) => each.method === request.method && each.pattern.test(request.path));
  if (!route) throw notSimulated(`${request.method} ${endpoint.path}`);
  const unsupported = unsupportedParam(checked.params, route.supported);
  if (unsupported) throw notSimulated(`the parameter "${unsupported}" of ${request.method} ${endpoint.path}`);
  const ids = request.path.match(route.pattern)!.slice(1).map(decodeURIComponent);
  return { endpoint, route, ids, params: checked.params };
}

function execute(
  { world }: Wiring,
  { endpoint, route, ids, params }: Prepared,
  request: ApiRequest,
): unknown {
  const handled = route.handle(params as never, { world, ids, path: request.path });
  const body = expand(world, handled, params.expand as string[] | undefined);
  world.report("response", `${endpoint.method} ${endpoint.path}`, world.validator.response(endpoint, body));
  return body;
}

function failure(world: World, error: unknown, request: ApiRequest): { status: number; body: unknown } {
  if (error instanceof StripeApiError) return { status: error.status, body: error.body };
  const problem = error instanceof Error ? (error.stack ?? error.message) : String(error);
  world.report("response", `${request.method} ${request.path}`, [problem]);
  return { status: 500, body: { error: { type: "api_error", message: `The simulator failed: ${problem}` } } };
}

function injected(fault: "429" | "500"): { status: number; body: unknown } {
  if (fault === "429") {
    const message = "Too many requests made to the API too quickly";
    return { status: 429, body: { error: { type: "invalid_request_error", code: "rate_limit", message } } };
  }
  return {
    status: 500,
    body: { error: { type: "api_error", message: "An error injected by the simulator." } },
  };
}

const isStored = (status: number) => status === 200 || status === 402 || status >= 500;

async function run(
  wiring: Wiring,
  request: ApiRequest,
  requestId: string,
  key: string | null,
): Promise<ApiAnswer> {
  const { world, keys } = wiring;
  const prepared = prepare(wiring, request);
  const replay =
    key === null ? null : keys.begin(key, fingerprint(request.method, request.path, request.form));
  if (replay) {
    return { ...replay, headers: { "idempotent-replayed": "true", "original-request": replay.requestId } };
  }
  const { apiDelayMs } = world.settings.mode;
  if (apiDelayMs > 0) await new Promise((resolve) => setTimeout(resolve, apiDelayMs));
  const fault = world.settings.apiFaults.shift();
  if (fault === "close-before") {
    if (key !== null) keys.finish(key, null);
    return { status: 0, body: null, requestId, headers: {}, lost: "close" };
  }
  let outcome: { status: number; body: unknown };
  try {
    world.request = { id: requestId, idempotency_key: key };
    outcome =
      fault === "429" || fault === "500"
        ? injected(fault)
        : { status: 200, body: execute(wiring, prepared, request) };
  } catch (error) {
    outcome = failure(world, error, request);
  } finally {
    world.request = null;
  }
  const answer = { ...outcome, requestId };
  const keeps = isStored(outcome.status) && outcome.status !== 501;
  if (key !== null) keys.finish(key, keeps ? answer : null);
  const lost = fault === "timeout" || fault === "close" ? { lost: fault } : {};
  return { ...answer, headers: key === null ? {} : { "original-request": requestId }, ...lost };
}

/** Answers one API request the way Stripe would. */
export async function answerApi(wiring: Wiring, request: ApiRequest): Promise<ApiAnswer> {
  const requestId = wiring.world.ids.next("req", 14);
  const key = request.method === "POST" ? (request.idempotencyKey ?? null) : null;
  const base: Record<string, string> = { "request-id": requestId, "stripe-version": wiring.world.apiVersion };
  if (key !== null) base["idempotency-key"] = key;
  try {
    const answer = await run(wiring, request, requestId, key);
    return { ...answer, headers: { ...base, ...answer.headers } };
  } catch (error) {
    return { ...failure(wiring.world, error, request), requestId, headers: base };
  }
}
