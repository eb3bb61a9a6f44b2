import { workspace } from "../accounts/service";
import type { Ctx } from "../context";
import { parseInput } from "../parse";
import { everyTenant } from "./every-tenant";
import { type TimelineInput, timelineInput } from "./inputs";
import { type CaughtMail, mailMoments } from "./mail-moments";
import { latestMoments, type Moment } from "./moment";
import { stripeMoments } from "./stripe-moments";
import { tenantMoments } from "./tenant-moments";

type Home = NonNullable<Moment["workspace"]>;

/** Of Stripe's events as many are read as there may be: whose they are is known only then. */
const MOST_EVENTS = 1_000;

/**
 * What happened in all workspaces, or in one, and at Stripe, and the mails of it, the latest first: read from what was
 * written when it happened, so it is still there after a restart. And which workspaces there are.
 * @throws AppError INVALID_INPUT
 */
export async function timeline(
  ctx: Ctx,
  input: TimelineInput,
  mails: readonly CaughtMail[],
): Promise<{ moments: Moment[]; workspaces: Home[] }> {
  const { limit, of } = parseInput(timelineInput, input);
  const tenants = await Promise.all(
    (await everyTenant(ctx)).map(async (tenant) => {
      const { id, slug, name } = await workspace(tenant);
      return { id, ctx: tenant, home: { slug, name } };
    }),
  );
  const homes = new Map(tenants.map(({ id, home }) => [id, home]));
  const parts = [
    stripeMoments(ctx, of ? MOST_EVENTS : limit, homes),
    mailMoments(tenants, mails),
    ...tenants.map((tenant) => tenantMoments(tenant.ctx, limit)),
  ];
  const all = (await Promise.all(parts)).flat();
  const moments = of ? all.filter(({ workspace }) => workspace?.slug === of) : all;
  return { moments: latestMoments(moments, limit), workspaces: tenants.map(({ home }) => home) };
}
