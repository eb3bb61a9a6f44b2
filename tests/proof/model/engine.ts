import type postgres from "postgres";
import type { TenantCtx } from "@/server/context";
import { grantCredits } from "@/server/credits/grant-credits";
import { inTenant } from "@/server/db/transaction";
import { block, unblock } from "@/server/entitlements/block";
import { entitle } from "@/server/entitlements/entitle";
import { endOverride, setOverride } from "@/server/entitlements/override";
import { setSpendCap } from "@/server/entitlements/spend-cap";
import { setTimeZone } from "@/server/entitlements/time-zone";
import { AppError } from "@/server/errors";
import { ensurePlanVersions } from "@/server/plans/service";
import { check } from "@/server/quota/check";
import { commit } from "@/server/quota/commit";
import { consume } from "@/server/quota/consume";
import { rollDue, sweepHolds } from "@/server/quota/jobs";
import { acquireLease, heartbeat, releaseLease, sweepLeases } from "@/server/quota/leases";
import { recount } from "@/server/quota/recount";
import { refund } from "@/server/quota/refund";
import { release } from "@/server/quota/release";
import { releaseHold } from "@/server/quota/release-hold";
import { reserve } from "@/server/quota/reserve";
import { type Answer, NOT_YET, type Op } from "./ops";

/** What the engine calls a thing, in the model's words: an entry, hold or lease is the call that made it, a lot its source. */
export class Names {
  readonly #words = new Map<string, string>();
  readonly #ids = new Map<string, string>();

  constructor(
    readonly stage: { owner: postgres.Sql },
    readonly tenantId: string,
  ) {}

  idOf(tag: string): string {
    return this.#ids.get(tag) ?? tag;
  }

  /** Answers with the engine's ids replaced, now that it is known what each call made. */
  async inWords(calls: { tag: string }[], said: Answer[]): Promise<Answer[]> {
    for (const [at, { tag }] of calls.entries()) {
      const made = said[at]!.leaseId ?? said[at]!.entryId;
      if (typeof made !== "string" || made === "" || said[at]!.replayed === true || this.#words.has(made))
        continue;
      this.#words.set(made, tag);
      this.#ids.set(tag, made);
    }
    const unknown =
      JSON.stringify(said)
        .match(/lot_[0-9a-z-]+/g)
        ?.filter((id) => !this.#words.has(id)) ?? [];
    if (unknown.length > 0) {
      const rows = await this.stage.owner`select id, source from lots where tenant_id = ${this.tenantId}`;
      for (const { id, source } of rows) this.#words.set(String(id), this.#sourceInWords(String(source)));
    }
    // A check may count on a lot that the next call's roll would make.
    for (const id of unknown) if (!this.#words.has(id)) this.#words.set(id, NOT_YET);
    return said.map((answer) => this.#inWords(answer) as Answer);
  }

  /** A lot that a refund made says which. */
  #sourceInWords(source: string): string {
    return source.replace(/^refund:(.+)$/, (_, id) => `refund:${this.#words.get(id) ?? id}`);
  }

  #inWords(value: unknown): unknown {
    if (typeof value === "string") return this.#words.get(value) ?? value;
    if (value instanceof Date) return value.getTime();
    if (Array.isArray(value)) return value.map((one) => this.#inWords(one));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, this.#inWords(one)]));
  }
}

/** Carries a call out for real. What the engine refuses is an answer too; anything but an AppError is not. */
export async function perform(ctx: TenantCtx, names: Names, op: Op): Promise<Answer> {
  try {
    return ((await carryOut(ctx, names, op)) ?? {}) as Answer;
  } catch (error) {
    if (error instanceof AppError && error.code !== "BUSY") return { error: error.code };
    throw error;
  }
}

async function carryOut(ctx: TenantCtx, names: Names, op: Op): Promise<unknown> {
  switch (op.do) {
    case "consume": {
      const { do: _, keepDenial, ...input } = op;
      return consume(ctx, { ...input, ...(keepDenial && { recordDenial: true }) });
    }
    case "check":
      return check(ctx, without(op));
    case "grant": {
      const { expiresInMs, ...lot } = without(op);
      const expiresAt = expiresInMs === null ? null : new Date(ctx.now().getTime() + expiresInMs);
      return grantCredits(ctx, { ...lot, expiresAt });
    }
    case "give":
      return release(ctx, without(op));
    case "recount":
      return recount(ctx, { feature: op.feature, reason: "counted", count: async () => op.count });
    case "acquire":
      return acquireLease(ctx, { feature: "runs", key: op.key, expiresInSeconds: op.seconds });
    case "heartbeat":
      return heartbeat(ctx, { leaseId: names.idOf(op.lease) });
    case "releaseLease":
      return releaseLease(ctx, { leaseId: names.idOf(op.lease) });
    case "sweepLeases":
      return sweepLeases(ctx);
    case "reserve": {
      const { seconds, ...input } = without(op);
      return reserve(ctx, { ...input, expiresInSeconds: seconds });
    }
    case "commit":
      return commit(ctx, { holdId: names.idOf(op.hold), units: op.units });
    case "releaseHold":
      return releaseHold(ctx, { holdId: names.idOf(op.hold) });
    case "sweepHolds":
      return sweepHolds(ctx);
    case "refund": {
      const { entry, ...input } = without(op);
      return refund(ctx, { ...input, entryId: names.idOf(entry), reason: "asked" });
    }
    case "rollDue":
      return rollDue(ctx);
    case "entitle":
      return entitlePlan(ctx, op);
    case "moveTo":
      await setTimeZone(ctx, { timeZone: op.timeZone });
      // As the next request would find it.
      ctx.tenant.timeZone = op.timeZone;
      return {};
    case "override": {
      const expiresAt = op.expiresInMs === null ? null : new Date(ctx.now().getTime() + op.expiresInMs);
      return setOverride(ctx, {
        feature: op.feature,
        limit: op.limit ?? "unlimited",
        expiresAt,
        reason: "agreed",
      });
    }
    case "endOverride":
      return endOverride(ctx, { feature: op.feature, reason: "agreed" }).then(() => ({}));
    case "spendCap":
      return setSpendCap(ctx, { feature: op.feature, capMinor: op.minor });
    case "block":
      return setBlocked(ctx, op.reason);
  }
}

/** One reason at a time, as the model has it. */
async function setBlocked(ctx: TenantCtx, reason: "past_due" | "suspended" | null): Promise<void> {
  await inTenant(ctx, async (_tx, inner) => {
    for (const other of ["past_due", "suspended"])
      if (other !== reason) await unblock(inner, { reason: other });
    if (reason) await block(inner, { reason });
  });
}

async function entitlePlan(ctx: TenantCtx, op: Extract<Op, { do: "entitle" }>): Promise<void> {
  const version = (await ensurePlanVersions(ctx)).get(op.plan)!;
  const anchorAt = op.anchorInMs === null ? undefined : new Date(ctx.now().getTime() + op.anchorInMs);
  await entitle(ctx, { planVersionId: version.id, source: "operator", interval: op.interval, anchorAt });
}

function without<T extends { do: string }>(op: T): Omit<T, "do"> {
  const { do: _, ...input } = op;
  return input;
}
