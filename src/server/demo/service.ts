import { and, desc, eq } from "drizzle-orm";
import { newId } from "@/lib/ids";
import { actorName, type TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { parseInput } from "../parse";
import { type Released, release } from "../quota/release";
import {
  type CreateChannelInput,
  createChannelInput,
  type RemoveChannelInput,
  removeChannelInput,
  type StartRunInput,
  startRunInput,
} from "./inputs";
import { channels, runs } from "./tables";

export interface Run {
  id: string;
  name: string;
  computeUnits: number;
  createdAt: Date;
}

export interface Channel {
  id: string;
  name: string;
  createdAt: Date;
}

const PAGE = 50;

/** The tenant's latest runs, newest first. */
export async function listRuns(ctx: TenantCtx): Promise<Run[]> {
  return inTenant(ctx, (tx) =>
    tx
      .select({ id: runs.id, name: runs.name, computeUnits: runs.computeUnits, createdAt: runs.createdAt })
      .from(runs)
      .where(eq(runs.tenantId, ctx.tenant.id))
      .orderBy(desc(runs.id))
      .limit(PAGE),
  );
}

/** Does the work that the procedure's quota was charged for, in the same transaction. */
export async function startRun(ctx: TenantCtx, input: StartRunInput): Promise<Run> {
  const { name, computeUnits } = parseInput(startRunInput, input);
  const createdAt = ctx.now();
  const run = { id: newId("run", createdAt), name, computeUnits, createdAt };
  await inTenant(ctx, (tx) =>
    tx.insert(runs).values({ tenantId: ctx.tenant.id, createdBy: actorName(ctx.actor), ...run }),
  );
  return run;
}

export async function listChannels(ctx: TenantCtx): Promise<Channel[]> {
  return inTenant(ctx, (tx) =>
    tx
      .select({ id: channels.id, name: channels.name, createdAt: channels.createdAt })
      .from(channels)
      .where(eq(channels.tenantId, ctx.tenant.id))
      .orderBy(channels.id),
  );
}

export async function createChannel(ctx: TenantCtx, input: CreateChannelInput): Promise<Channel> {
  const { name } = parseInput(createChannelInput, input);
  const createdAt = ctx.now();
  const channel = { id: newId("channel", createdAt), name, createdAt };
  await inTenant(ctx, (tx) =>
    tx.insert(channels).values({ tenantId: ctx.tenant.id, createdBy: actorName(ctx.actor), ...channel }),
  );
  return channel;
}

/** Removes a channel and gives its place back, together. @throws AppError NOT_FOUND */
export async function removeChannel(
  ctx: TenantCtx,
  input: RemoveChannelInput,
): Promise<{ id: string; places: Released }> {
  const { id } = parseInput(removeChannelInput, input);
  return inTenant(ctx, async (tx, inner) => {
    const gone = await tx
      .delete(channels)
      .where(and(eq(channels.tenantId, ctx.tenant.id), eq(channels.id, id)))
      .returning({ id: channels.id });
    if (gone.length === 0) throw new AppError("NOT_FOUND", "There is no such channel.");
    return { id, places: await release(inner, { feature: "channels", units: 1, key: `removed:${id}` }) };
  });
}
