import { inArray, sql } from "drizzle-orm";
import type { Money } from "@/lib/money";
import { slugDirectory } from "../accounts/tables";
import type { Ctx } from "../context";
import { inTransaction } from "../db/transaction";
import { parseInput } from "../parse";
import { type DunningStep, dunningStep, nextStepAt } from "./dunning-rules";
import { type DunningInput, dunningInput } from "./inputs";

const PER_PAGE = 50;

export interface DunningInQueue {
  workspaceId: string;
  slug: string | null;
  subscriptionId: string;
  invoiceId: string;
  since: Date;
  amount: Money;
  step: DunningStep;
  /** When the next step begins; null: the last has, and the subscription is about to end at Stripe. */
  nextStepAt: Date | null;
  /** When Stripe tries the card again; null: not by itself. */
  nextAttemptAt: Date | null;
}

interface Row extends Record<string, unknown> {
  tenant_id: string;
  subscription_id: string;
  invoice_id: string;
  past_due_since: string;
  purchases_stop_at: string;
  plan_ends_at: string;
  amount_minor: string;
  currency: string;
  next_attempt_at: string | null;
  ending_at: string | null;
}

/**
 * Who has not paid, over all workspaces, the longest first. `next` is the cursor of the page after this one.
 * @throws AppError INVALID_INPUT
 */
export async function listDunning(
  ctx: Ctx,
  input?: DunningInput,
): Promise<{ queue: DunningInQueue[]; next: string | null }> {
  const { after } = parseInput(dunningInput, input ?? {});
  const [since, invoice] = after?.split("|") ?? [];
  return inTransaction(ctx, async (tx) => {
    const rows = await tx.execute<Row>(
      sql`select * from dunning_queue(${since ?? null}::timestamptz, ${invoice ?? null}, ${PER_PAGE + 1})`,
    );
    const page = rows.slice(0, PER_PAGE);
    const ids = page.map((row) => row.tenant_id);
    const named = await tx.select().from(slugDirectory).where(inArray(slugDirectory.tenant, ids));
    const slugs = new Map(named.map(({ tenant, slug }) => [tenant, slug]));
    const queue = page.map((row) => viewOf(row, slugs.get(row.tenant_id) ?? null, ctx.now()));
    const last = queue.at(-1);
    const next = rows.length > PER_PAGE && last ? `${last.since.toISOString()}|${last.invoiceId}` : null;
    return { queue, next };
  });
}

function viewOf(row: Row, slug: string | null, now: Date): DunningInQueue {
  const days = {
    pastDueSince: new Date(row.past_due_since),
    purchasesStopAt: new Date(row.purchases_stop_at),
    planEndsAt: new Date(row.plan_ends_at),
  };
  return {
    workspaceId: row.tenant_id,
    slug,
    subscriptionId: row.subscription_id,
    invoiceId: row.invoice_id,
    since: days.pastDueSince,
    amount: { amountMinor: BigInt(row.amount_minor), currency: row.currency },
    step: row.ending_at ? "plan_ended" : dunningStep(days, now),
    nextStepAt: row.ending_at ? null : nextStepAt(days, now),
    nextAttemptAt: row.next_attempt_at ? new Date(row.next_attempt_at) : null,
  };
}
