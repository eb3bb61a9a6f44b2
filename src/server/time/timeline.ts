import { workspace } from "../accounts/service";
import type { Ctx } from "../context";
import { parseInput } from "../parse";
import { everyTenant } from "./every-tenant";
import { type TimelineInput, timelineInput } from "./inputs";
import { type CaughtMail, mailMoments } from "./mail-moments";
import { latestMoments, type Moment } from "./moment";
import { stripeMoments } from "./stripe-moments";
import { tenantMoments } from "./tenant-moments";

/**
 * What happened in all workspaces and at Stripe, and the mails of it, the latest first: read from what was written when
 * it happened, so it is still there after a restart. @throws AppError INVALID_INPUT
 */
export async function timeline(
  ctx: Ctx,
  input: TimelineInput,
  mails: readonly CaughtMail[],
): Promise<Moment[]> {
  const { limit } = parseInput(timelineInput, input);
  const tenants = await Promise.all(
    (await everyTenant(ctx)).map(async (tenant) => {
      const { id, slug, name } = await workspace(tenant);
      return { id, ctx: tenant, home: { slug, name } };
    }),
  );
  const homes = new Map(tenants.map(({ id, home }) => [id, home]));
  const parts = [
    stripeMoments(ctx, limit, homes),
    mailMoments(tenants, mails),
    ...tenants.map((tenant) => tenantMoments(tenant.ctx, limit)),
  ];
  return latestMoments((await Promise.all(parts)).flat(), limit);
}
