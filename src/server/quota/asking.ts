import type { TenantCtx } from "../context";
import { endPlan } from "../entitlements/end-plan";

interface Answer {
  status: string;
  reason: string | null;
}

/**
 * Asks the gate; when it says that the plan is over, lets it end and asks again. So a plan ends at its very instant,
 * with or without cron, and no verb needs to know.
 */
export async function asking<A extends Answer>(ctx: TenantCtx, ask: () => Promise<A>): Promise<A> {
  const answer = await ask();
  if (answer.reason !== "plan_over" && answer.status !== "plan_over") return answer;
  await endPlan(ctx);
  return ask();
}
