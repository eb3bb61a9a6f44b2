import { inTenant } from "../db/transaction";
import { consume } from "../quota/consume";
import type { Consumed } from "../quota/rules";
import { claimAnswer, keepAnswer } from "./answers";
import { refuse } from "./denial";
import {
  callKey,
  type GatedCtx,
  type GuardedCall,
  isDeferred,
  isStream,
  type QuotaHandle,
} from "./guarded-call";
import { askedOf } from "./quota-policy";
import { tellStanding } from "./standing";

/** Thrown to undo the transaction, and unwrapped outside it: tRPC reports failure as a result, not as a throw. */
class Undo extends Error {
  constructor(readonly result: unknown) {
    super("undone");
  }
}

/**
 * Charges and runs the procedure in one transaction, `ctx.tx`: when it fails, the charge was never made. A repeated
 * call gets the first one's answer, which is kept in that transaction too.
 */
export async function runConsumeMode<C extends GatedCtx, R extends { ok: boolean }>(
  call: GuardedCall<C, R>,
): Promise<R> {
  const { ctx, policy, input } = call;
  const keyed = callKey(call);
  const asked = askedOf(policy, input);
  try {
    const { result, receipt } = await inTenant(ctx, async (_tx, inner) => {
      const first = keyed && (await claimAnswer(inner, keyed));
      if (first) return { result: call.answered(first.data), receipt: null };
      const charged = await consume(inner, { ...asked, properties: { procedure: call.path } });
      if (!charged.allowed) return refuse(ctx, charged);
      const done = await call.run({ ...inner, quota: handle(call.signal, charged) });
      if (!done.ok) throw new Undo(done);
      const { data } = done as { data?: unknown };
      if (isStream(data) || isDeferred(data)) throw new Error(NO_STREAMS);
      if (keyed) await keepAnswer(inner, keyed, charged.entryId, { data });
      return { result: done, receipt: charged };
    });
    if (receipt) tellStanding(ctx, receipt);
    return result;
  } catch (error) {
    if (error instanceof Undo) return error.result as R;
    throw error;
  }
}

const NO_STREAMS =
  "A stream outlives the transaction that charged it: its procedure needs quota mode `reserve`.";

function handle(signal: AbortSignal, receipt: Consumed): QuotaHandle {
  return {
    receipt,
    signal,
    charge: () => {
      throw new Error(
        "This call is charged already: only quota mode `reserve` charges what was really used.",
      );
    },
  };
}
