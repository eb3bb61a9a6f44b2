import { and, desc, eq, isNotNull, isNull, lt } from "drizzle-orm";
import type { Ctx } from "../context";
import { inTransaction } from "../db/transaction";
import { parseInput } from "../parse";
import { customerDirectory } from "../stripe/tables";
import { drifts } from "../sync/tables";
import { type DriftInput, driftInput } from "./inputs";
import { walks } from "./tables";

const PER_PAGE = 50;

/**
 * Where we and Stripe disagreed, newest first, with the workspace's id where it is one's; and how far the walks have come.
 * @throws AppError INVALID_INPUT
 */
export async function listDrift(ctx: Ctx, input: DriftInput) {
  const { state, before } = parseInput(driftInput, input);
  return inTransaction(ctx, async (tx) => {
    const found = await tx
      .select({ drift: drifts, workspaceId: customerDirectory.tenant })
      .from(drifts)
      .leftJoin(customerDirectory, eq(customerDirectory.customerId, drifts.customerId))
      .where(
        and(
          state === "open" ? isNull(drifts.healedAt) : undefined,
          state === "healed" ? isNotNull(drifts.healedAt) : undefined,
          before ? lt(drifts.id, before) : undefined,
        ),
      )
      .orderBy(desc(drifts.id))
      .limit(PER_PAGE + 1);
    const page = found.slice(0, PER_PAGE);
    return {
      drifts: page.map(({ drift, workspaceId }) => ({ ...drift, workspaceId })),
      next: found.length > PER_PAGE ? (page.at(-1)?.drift.id ?? null) : null,
      walks: await tx.select().from(walks).orderBy(walks.name),
    };
  });
}
