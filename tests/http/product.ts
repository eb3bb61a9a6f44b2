import { z } from "zod";
import type { QuotaHandle } from "@/server/guard/guarded-call";
import { router, tenantProcedure } from "@/server/trpc";

const workInput = z.strictObject({
  /** Which of the test's works is done. */
  work: z.string(),
  units: z.number().int().min(1).default(1),
  items: z.array(z.string()).default([]),
  order: z.string().default(""),
  note: z.unknown().optional(),
});
export type WorkInput = z.output<typeof workInput>;

export interface WorkOptions {
  quota: QuotaHandle;
  input: WorkInput;
  /** Whether a transaction is open around the work. */
  inTransaction: boolean;
}
export type Work = (options: WorkOptions) => unknown;

const units = (input: WorkInput) => input.units;
const own = tenantProcedure.meta({ apiKey: true });

/** A product with a procedure for every kind of policy, whose works a test writes itself. */
export function productOf(works: Record<string, Work>) {
  const doWork = (options: { ctx: { quota: QuotaHandle; tx?: unknown }; input: WorkInput }) =>
    works[options.input.work]!({
      quota: options.ctx.quota,
      input: options.input,
      inTransaction: options.ctx.tx !== undefined,
    });
  const stream = (options: Parameters<typeof doWork>[0]) => doWork(options) as AsyncGenerator<unknown, void>;
  const consumed = { feature: "compute", units, mode: "consume" } as const;
  const reserved = { feature: "compute", units, mode: "reserve" } as const;
  const guarded = (quota: NonNullable<Parameters<typeof own.meta>[0]["quota"]>) =>
    own.meta({ quota }).input(workInput);
  return router({
    open: own.input(workInput).mutation(doWork),
    charge: guarded(consumed).mutation(doWork),
    other: guarded(consumed).mutation(doWork),
    each: guarded({
      feature: "messages",
      units: 2,
      per: ({ items }: WorkInput) => items,
      mode: "consume",
    }).mutation(doWork),
    order: guarded({ ...consumed, key: ({ order }: WorkInput) => order }).mutation(doWork),
    reserve: guarded(reserved).mutation(doWork),
    generous: guarded({ ...reserved, overflow: "cap" }).mutation(doWork),
    hasty: guarded({ ...reserved, timeoutSeconds: 1 }).mutation(doWork),
    stream: guarded(reserved).query(stream),
    hastyStream: guarded({ ...reserved, timeoutSeconds: 1 }).query(stream),
    watch: guarded(reserved).subscription(stream),
    chargedStream: guarded(consumed).query(stream),
  });
}
