import { formatMoney, type Money } from "@/lib/money";
import type { Ctx } from "../context";
import { parseInput } from "../parse";
import { tenantsOnPlan } from "../plans/jobs";
import { type PlanVersion, planDefinition } from "../plans/rules";
import { planVersion } from "../plans/service";
import { comparePlan } from "../stripe/compare";
import {
  type RehearsedTenantsInput,
  type RehearsePlanInput,
  rehearsedTenantsInput,
  rehearsePlanInput,
} from "./inputs";
import { unknowable } from "./rehearsal-rules";
import { rehearseTenant, type TenantRehearsal } from "./rehearse-tenant";

export interface PlanRehearsal {
  to: string;
  /** In one sentence. */
  summary: string;
  /** Workspaces that are on another version of the plan, and on which. */
  workspaces: number;
  from: Record<string, number>;
  paysMore: number;
  paysLess: number;
  /** By the year, when the version is not: they would stay where they are. */
  notSold: number;
  /** Of subscriptions, a month: what is added, or lost. */
  mrr: Money;
  /** Workspaces that would have met a limit in the last month and did not, by feature, and all of them together. */
  hits: Record<string, number>;
  wouldHit: number;
  /** Workspaces that lose a flag, by feature. */
  loses: Record<string, number>;
  /** Limits that get lower and leave no trace when they are used: nobody can say who would have met them. */
  unknown: string[];
}

/**
 * What a version would mean for everyone who is on another one of its plan: who pays more, who would have met which limit
 * in the last month, who loses what. Writes nothing. Streams: one tenant at a time, each as itself.
 * @param to `pro@4`: a version that was sold, or the one that the price list's words will be
 * @throws AppError NOT_FOUND, INVALID_INPUT (another currency)
 */
export async function rehearsePlan(ctx: Ctx, input: RehearsePlanInput): Promise<PlanRehearsal> {
  const to = await rehearsed(ctx, parseInput(rehearsePlanInput, input).to);
  const { currency } = to.definition;
  const found: Omit<PlanRehearsal, "summary"> = {
    to: to.id,
    workspaces: 0,
    from: {},
    paysMore: 0,
    paysLess: 0,
    notSold: 0,
    mrr: { amountMinor: 0n, currency },
    hits: {},
    wouldHit: 0,
    loses: {},
    unknown: [],
  };
  for await (const one of rehearsals(ctx, to, "")) add(found, one);
  const unknown = await Promise.all(
    Object.keys(found.from).map(async (id) =>
      unknowable((await planVersion(ctx, id)).definition, to.definition),
    ),
  );
  found.unknown = [...new Set(unknown.flat())].sort();
  return { ...found, summary: inOneSentence(found, to.version) };
}

/**
 * The list behind a rehearsal, workspace by workspace. @throws AppError NOT_FOUND, INVALID_INPUT
 */
export async function rehearsedTenants(
  ctx: Ctx,
  input: RehearsedTenantsInput,
): Promise<{ workspaces: TenantRehearsal[]; next: string | null }> {
  const { to, after, limit } = parseInput(rehearsedTenantsInput, input);
  const workspaces: TenantRehearsal[] = [];
  for await (const one of rehearsals(ctx, await rehearsed(ctx, to), after)) {
    if (workspaces.length === limit) return { workspaces, next: workspaces.at(-1)?.workspaceId ?? null };
    workspaces.push(one);
  }
  return { workspaces, next: null };
}

async function* rehearsals(ctx: Ctx, to: PlanVersion, after: string): AsyncGenerator<TenantRehearsal> {
  for await (const tenant of tenantsOnPlan(ctx, { planId: to.planId, except: to.id, after })) {
    const one = await rehearseTenant(tenant, to);
    if (one) yield one;
  }
}

/** What the price list says now is rehearsed before anybody has pushed it. */
async function rehearsed(ctx: Ctx, id: string): Promise<PlanVersion> {
  const plan = ctx.prices.plans.find((one) => id.startsWith(`${one.id}@`));
  const draft = plan && (await comparePlan(ctx, plan));
  if (!plan || draft?.version !== id || !draft.isNew) return planVersion(ctx, id);
  const version = Number(id.slice(plan.id.length + 1));
  return { id, planId: plan.id, version, definition: planDefinition(ctx.prices, plan) };
}

function add(found: Omit<PlanRehearsal, "summary">, one: TenantRehearsal): void {
  const { beforeMinor, afterMinor, source } = one;
  const more = (afterMinor ?? beforeMinor) - beforeMinor;
  found.workspaces += 1;
  count(found.from, one.from);
  if (afterMinor === null) found.notSold += 1;
  if (more > 0n) found.paysMore += 1;
  if (more < 0n) found.paysLess += 1;
  if (source === "subscription") found.mrr.amountMinor += more;
  for (const feature of new Set(one.hits.map((hit) => hit.feature))) count(found.hits, feature);
  if (one.hits.length > 0) found.wouldHit += 1;
  for (const feature of one.loses) count(found.loses, feature);
}

function count(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}

/** "Under v4, 12 tenants pay more, 3 would have hit compute last month, MRR +$410.00." */
function inOneSentence({ paysMore, paysLess, hits, loses, mrr }: Omit<PlanRehearsal, "summary">, v: number) {
  const parts = [
    `${paysMore} ${paysMore === 1 ? "tenant pays" : "tenants pay"} more`,
    ...(paysLess > 0 ? [`${paysLess} less`] : []),
    ...Object.entries(hits).map(([feature, tenants]) => `${tenants} would have hit ${feature} last month`),
    ...Object.entries(loses).map(
      ([feature, tenants]) => `${tenants} ${tenants === 1 ? "loses" : "lose"} ${feature}`,
    ),
    `MRR ${mrr.amountMinor < 0n ? "" : "+"}${formatMoney(mrr)}`,
  ];
  return `Under v${v}, ${parts.join(", ")}.`;
}
