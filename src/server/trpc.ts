import { initTRPC, TRPCError } from "@trpc/server";
import superjson from "superjson";
import { mayDo, type Permission } from "./accounts/rules";
import { openTenant } from "./accounts/service";
import type { Ctx } from "./context";
import { asAppError } from "./db/transaction";
import { AppError, type AppErrorCode } from "./errors";
import { type FeaturePolicy, type QuotaPolicy, requireFeature, runWithinQuota } from "./quota/procedure";

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

/** A procedure's policy, set by the ladder step it stands on. `tests/architecture.test.ts` demands one of each. */
export interface Meta {
  access?: "public" | "user" | "tenant" | Permission;
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
  ALREADY_SUBSCRIBED: "CONFLICT",
  QUOTA_EXCEEDED: "PAYMENT_REQUIRED",
  FEATURE_NOT_IN_PLAN: "PAYMENT_REQUIRED",
  ACCOUNT_BLOCKED: "PAYMENT_REQUIRED",
  RATE_LIMITED: "TOO_MANY_REQUESTS",
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
          hint: app?.hint ?? null,
          denial: app?.denial ?? null,
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
const base = t.procedure.use(async ({ next }) => {
  const result = await next();
  if (result.ok) return result;
  const cause = asAppError(result.error.cause);
  if (cause instanceof AppError)
    throw new TRPCError({ code: TRPC_CODES[cause.code], message: cause.message, cause });
  return result;
});

/** Anybody. */
export const publicProcedure = base.meta({ access: "public" });

/** Somebody signed in. */
export const userProcedure = base.meta({ access: "user" }).use(({ ctx, next }) => {
  if (ctx.actor.kind !== "user") throw new AppError("UNAUTHENTICATED", "Please sign in.");
  return next({ ctx: { ...ctx, actor: ctx.actor } });
});

/** A member of the workspace that the request names, or, where the procedure allows it, one of its API keys. */
export const tenantProcedure = base
  .meta({ access: "tenant" })
  .use(async ({ ctx, meta, next }) => {
    const tenant = await openTenant(ctx, {
      slug: ctx.request.workspace,
      apiKeyAllowed: meta?.apiKey === true,
    });
    const access = meta?.access;
    const role = tenant.role;
    if (
      access &&
      access !== "tenant" &&
      access !== "public" &&
      access !== "user" &&
      !(role && mayDo(role, access))
    ) {
      throw new AppError("FORBIDDEN", "Your role in this workspace does not allow this.");
    }
    return next({ ctx: { ...ctx, tenant } });
  })
  .use(async ({ ctx, meta, next, getRawInput }) => {
    if (meta?.feature) await requireFeature(ctx, meta.feature, getRawInput);
    return next();
  })
  .use(({ ctx, meta, next, getRawInput, path }) => {
    if (!meta?.quota) return next();
    return runWithinQuota({
      ctx,
      policy: meta.quota,
      path,
      getRawInput,
      run: (inner) => next({ ctx: inner }),
    });
  });

/** A member whose role carries the permission. */
export const can = (permission: Permission) => tenantProcedure.meta({ access: permission });
