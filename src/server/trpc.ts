import { initTRPC, TRPCError } from "@trpc/server";
import superjson from "superjson";
import { provenEmailOf } from "./accounts/proven-email";
import { mayDo, type Permission } from "./accounts/rules";
import { openTenant, tenantNamed } from "./accounts/service";
import type { Ctx, TenantCtx } from "./context";
import { asAppError } from "./db/transaction";
import { AppError, type AppErrorCode } from "./errors";
import { isStream } from "./guard/guarded-call";
import { type FeaturePolicy, noQuota, requireFeature, runWithinQuota } from "./guard/procedure";
import type { QuotaPolicy } from "./guard/quota-policy";

/** What a request adds to the ctx. Core never sees it: only this file and `quota/procedure.ts` do. */
export interface RequestCtx extends Ctx {
  request: {
    headers: Headers;
    /** Headers of the answer, e.g. `RateLimit`. */
    resHeaders: Headers;
    /** The workspace named by the `x-workspace` header, not yet proven to be the caller's. */
    workspace: string | null;
  };
}

const STEPS = ["public", "user", "tenant", "operator"] as const;
type Step = (typeof STEPS)[number];
const isStep = (access: Step | Permission): access is Step => STEPS.some((step) => step === access);

/** A procedure's policy, set by the ladder step it stands on. `tests/architecture.test.ts` demands one of each. */
export interface Meta {
  access?: Step | Permission;
  /** true: an API key of the tenant may call it. */
  apiKey?: boolean;
  quota?: QuotaPolicy;
  feature?: FeaturePolicy;
}

const TRPC_CODES: Record<AppErrorCode, TRPCError["code"]> = {
  UNAUTHENTICATED: "UNAUTHORIZED",
  FORBIDDEN: "FORBIDDEN",
  NOT_FOUND: "NOT_FOUND",
  INVALID_INPUT: "BAD_REQUEST",
  UNKNOWN_FEATURE: "BAD_REQUEST",
  IDEMPOTENCY_CONFLICT: "CONFLICT",
  CONFLICT: "CONFLICT",
  IN_PROGRESS: "CONFLICT",
  ALREADY_SUBSCRIBED: "CONFLICT",
  QUOTA_EXCEEDED: "PAYMENT_REQUIRED",
  FEATURE_NOT_IN_PLAN: "PAYMENT_REQUIRED",
  ACCOUNT_BLOCKED: "PAYMENT_REQUIRED",
  RATE_LIMITED: "TOO_MANY_REQUESTS",
  TIMED_OUT: "GATEWAY_TIMEOUT",
  CARD_NEEDED: "PRECONDITION_FAILED",
  CODE_UNKNOWN: "NOT_FOUND",
  CODE_EXPIRED: "PRECONDITION_FAILED",
  CODE_USED_UP: "PRECONDITION_FAILED",
  CODE_NOT_FOR_PLAN: "PRECONDITION_FAILED",
  CODE_BELOW_MINIMUM: "PRECONDITION_FAILED",
  PAYMENT_OVERDUE: "PAYMENT_REQUIRED",
  PRICES_NOT_PUSHED: "PRECONDITION_FAILED",
  PAYMENT_PROVIDER: "BAD_GATEWAY",
  BUSY: "SERVICE_UNAVAILABLE",
};

const t = initTRPC
  .context<RequestCtx>()
  .meta<Meta>()
  .create({
    transformer: superjson,
    errorFormatter: ({ shape, error }) => {
      const app = error.cause instanceof AppError ? error.cause : null;
      const known = app !== null || error.code !== "INTERNAL_SERVER_ERROR";
      return {
        ...shape,
        message: known ? (app?.message ?? clientMessage(error)) : "Something went wrong on our side.",
        data: {
          code: shape.data.code,
          httpStatus: shape.data.httpStatus,
          path: shape.data.path,
          appCode: app?.code ?? null,
          advice: app?.advice ?? null,
          hint: app?.hint ?? null,
          denial: app?.denial ?? null,
          payUrl: app?.payUrl ?? null,
        },
      };
    },
  });

function clientMessage(error: TRPCError): string {
  return error.code === "BAD_REQUEST" ? "The request's input is not valid." : error.message;
}

export const router = t.router;
export const createCallerFactory = t.createCallerFactory;

/** tRPC never lets a middleware catch: a failed call comes back as a result, and its error is given its code here. */
const base = t.procedure.use(async ({ next, signal }) => {
  const result = await next();
  if (!result.ok) throw coded(result.error, signal);
  return isStream(result.data) ? { ...result, data: codedStream(result.data, signal) } : result;
});

/** An error of ours with its code for HTTP, or what came of it that the caller hung up; any other stays as it is. */
function coded(error: unknown, signal: AbortSignal | undefined): unknown {
  const cause = asAppError(error instanceof TRPCError ? error.cause : error);
  if (cause instanceof AppError)
    return new TRPCError({ code: TRPC_CODES[cause.code], message: cause.message, cause });
  const hungUp = signal?.aborted && cause instanceof Error && cause.name === "AbortError";
  return hungUp ? new TRPCError({ code: "CLIENT_CLOSED_REQUEST", cause }) : error;
}

async function* codedStream<T, R>(
  stream: AsyncIterable<T, R>,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, R> {
  try {
    return yield* stream;
  } catch (error) {
    throw coded(error, signal);
  }
}

/** Anybody. */
export const publicProcedure = base.meta({ access: "public" });

/** Somebody signed in. */
export const userProcedure = base.meta({ access: "user" }).use(({ ctx, next }) => {
  if (ctx.actor.kind !== "user") throw new AppError("UNAUTHENTICATED", "Please sign in.");
  return next({ ctx: { ...ctx, actor: ctx.actor } });
});

/** What a procedure's policy asks, on input that its own schema has checked. */
const withinPolicy = t.middleware(async ({ ctx, meta, next, input, path, signal, batchIndex }) => {
  const tenantCtx = ctx as RequestCtx & TenantCtx;
  if (meta?.feature) await requireFeature(tenantCtx, meta.feature, input);
  if (!meta?.quota) return next();
  return runWithinQuota({
    ctx: tenantCtx,
    policy: meta.quota,
    path,
    input,
    signal: signal ?? new AbortController().signal,
    batchIndex,
    run: (inner) => next({ ctx: inner }),
    answered: (data) => ({ ok: true as const, data, marker: undefined as never }),
  });
});

/** A member of the workspace that the request names, or, where the procedure allows it, one of its API keys. */
export const tenantProcedure = endingWith(
  withinPolicy,
  base.meta({ access: "tenant" }).use(async ({ ctx, meta, next, signal }) => {
    const tenant = await openTenant(ctx, {
      slug: ctx.request.workspace,
      apiKeyAllowed: meta?.apiKey === true,
    });
    const access = meta?.access;
    if (access && !isStep(access) && !(tenant.role && mayDo(tenant.role, access)))
      throw new AppError("FORBIDDEN", "Your role in this workspace does not allow this.");
    return next({ ctx: { ...ctx, tenant, quota: noQuota(signal ?? new AbortController().signal) } });
  }),
);

/**
 * The same builder, but `last` runs right before the procedure itself, whatever is added before: tRPC's own middlewares
 * run in the order they are written, which for a ladder step is before the procedure's input is checked.
 */
function endingWith<B extends object>(last: typeof withinPolicy, builder: B): B {
  return new Proxy(builder, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (!(value instanceof Function)) return value;
      if (name !== "query" && name !== "mutation" && name !== "subscription")
        return (...args: unknown[]) => endingWith(last, value.apply(target, args));
      const ended = (target as unknown as typeof t.procedure).use(last);
      return ended[name].bind(ended);
    },
  });
}

/** A member whose role carries the permission. */
export const can = (permission: Permission) => tenantProcedure.meta({ access: permission });

/** Somebody who runs the product: a person whose proven e-mail stands in OPERATOR_EMAILS. */
export const operatorProcedure = base.meta({ access: "operator" }).use(async ({ ctx, next }) => {
  const { actor, operatorEmails = [] } = ctx;
  if (actor.kind === "anonymous") throw new AppError("UNAUTHENTICATED", "Please sign in.");
  const email = actor.kind === "user" ? await provenEmailOf(ctx, actor.userId) : null;
  if (actor.kind !== "user" || email === null || !operatorEmails.includes(email))
    throw new AppError("FORBIDDEN", "Only an operator may do this.");
  return next({ ctx: { ...ctx, actor: { kind: "operator" as const, userId: actor.userId } } });
});

/** The same in the workspace that the request names, whose member an operator need not be. */
export const operatorInWorkspace = operatorProcedure.use(async ({ ctx, next }) =>
  next({ ctx: { ...ctx, tenant: await tenantNamed(ctx, ctx.request.workspace) } }),
);
