import type { TRPCRouterRecord } from "@trpc/server";
import { setSpendCapInput } from "../entitlements/inputs";
import { setSpendCap } from "../entitlements/spend-cap";
import { check } from "../quota/check";
import { commit } from "../quota/commit";
import { consume } from "../quota/consume";
import { estimate } from "../quota/estimate";
import { explain } from "../quota/explain";
import {
  acquireLeaseInput,
  checkInput,
  commitInput,
  consumeInput,
  estimateInput,
  explainInput,
  holdInput,
  leaseInput,
  releaseInput,
  reserveInput,
  usageInput,
} from "../quota/inputs";
import { acquireLease, heartbeat, releaseLease } from "../quota/leases";
import { release } from "../quota/release";
import { releaseHold } from "../quota/release-hold";
import { reserve } from "../quota/reserve";
import { status, usageByDay } from "../quota/status";
import { can, tenantProcedure } from "../trpc";
import { callersHold } from "./callers-hold";
import { unlessDenied } from "./denial";
import { idempotencyKey } from "./guarded-call";
import { tellStanding } from "./standing";
import { told, toldChecked } from "./told";

const productProcedure = tenantProcedure.meta({ apiKey: true });
const moneyProcedure = can("billing:write");

/**
 * The gate over HTTP. A denial is 402 with the typed cause; `RateLimit` and `Tollgate-Quota` headers say what is left
 * either way. `Idempotency-Key` stands in for a key that the input leaves out.
 */
export const quotaRouter = {
  check: productProcedure
    .input(checkInput)
    .query(async ({ ctx, input }) => toldChecked(ctx, await check(ctx, input))),
  consume: productProcedure.input(consumeInput).mutation(async ({ ctx, input, batchIndex }) => {
    const key = input.key ?? idempotencyKey(ctx.request.headers, batchIndex) ?? undefined;
    return unlessDenied(ctx, await consume(ctx, { ...input, key }));
  }),
  reserve: productProcedure.input(reserveInput).mutation(async ({ ctx, input, batchIndex }) => {
    const key = input.key ?? idempotencyKey(ctx.request.headers, batchIndex) ?? undefined;
    return unlessDenied(ctx, await reserve(ctx, { ...input, key }));
  }),
  commit: productProcedure
    .input(commitInput)
    .mutation(async ({ ctx, input }) => told(ctx, await commit(ctx, await callersHold(ctx, input)))),
  releaseHold: productProcedure
    .input(holdInput)
    .mutation(async ({ ctx, input }) => told(ctx, await releaseHold(ctx, await callersHold(ctx, input)))),
  /** Of a level. */
  release: productProcedure.input(releaseInput).mutation(async ({ ctx, input }) => {
    const released = await release(ctx, input);
    tellStanding(ctx, { ...released, feature: input.feature, resetsAt: null });
    return released;
  }),
  acquireLease: productProcedure.input(acquireLeaseInput).mutation(async ({ ctx, input }) => {
    const answer = await acquireLease(ctx, input);
    return unlessDenied(ctx, answer.allowed ? { ...answer, resetsAt: null } : answer);
  }),
  heartbeat: productProcedure.input(leaseInput).mutation(({ ctx, input }) => heartbeat(ctx, input)),
  releaseLease: productProcedure.input(leaseInput).mutation(({ ctx, input }) => releaseLease(ctx, input)),
  explain: productProcedure.input(explainInput).query(({ ctx, input }) => explain(ctx, input)),
  estimate: productProcedure.input(estimateInput).query(({ ctx, input }) => estimate(ctx, input)),
  status: productProcedure.query(({ ctx }) => status(ctx)),
  history: productProcedure.input(usageInput).query(({ ctx, input }) => usageByDay(ctx, input)),
  setSpendCap: moneyProcedure.input(setSpendCapInput).mutation(({ ctx, input }) => setSpendCap(ctx, input)),
} satisfies TRPCRouterRecord;
