import { unlessAborted } from "@/lib/abort";
import { inTenant } from "../db/transaction";
import { reserve } from "../quota/reserve";
import { claimAnswer, type KeyedCall, nameCharge } from "./answers";
import { refuse } from "./denial";
import { callKey, type GatedCtx, type GuardedCall, isDeferred, isStream } from "./guarded-call";
import { meteredStream } from "./metered-stream";
import { type Asked, askedOf, type ReservePolicy } from "./quota-policy";
import { Reservation } from "./reservation";
import { tellStanding } from "./standing";

const TIMEOUT_SECONDS = 900;

type Call<C extends GatedCtx, R extends { ok: boolean }> = GuardedCall<C, R> & { policy: ReservePolicy };

/**
 * Sets units aside, runs the procedure outside of any transaction, and charges what it really used; gives everything
 * back when it fails. Work that goes on although its caller left or its time is up is settled when it ends: nothing
 * is done for free. The reservation expires with the time-out, so that work which never ends keeps nothing.
 */
export async function runReserveMode<C extends GatedCtx, R extends { ok: boolean }>(
  call: Call<C, R>,
): Promise<R> {
  const ctx = { ...call.ctx, tx: undefined };
  const { policy, signal } = call;
  const { timeoutSeconds = TIMEOUT_SECONDS } = policy;
  const keyed = callKey(call);
  const asked = askedOf(policy, call.input);
  const begun = await setAside(ctx, { policy, keyed, timeoutSeconds, asked, procedure: call.path });
  if (!begun.receipt) return call.answered(begun.first.data);
  tellStanding(ctx, begun.receipt);
  const reservation = new Reservation({ ctx, receipt: begun.receipt, keyed, timeoutSeconds, signal });
  const work = call.run({ ...ctx, quota: reservation.handle });
  return unlessAborted(
    reservation.timeUp,
    work.then((result) => finish(result, reservation)),
  );
}

interface Wanted {
  policy: ReservePolicy;
  keyed: KeyedCall | null;
  timeoutSeconds: number;
  asked: Asked;
  procedure: string;
}

async function setAside(ctx: GatedCtx, { policy, keyed, timeoutSeconds, asked, procedure }: Wanted) {
  const { overflow } = policy;
  const wanted = { ...asked, overflow, expiresInSeconds: timeoutSeconds, properties: { procedure } };
  return inTenant(ctx, async (_tx, inner) => {
    const runsUntil = new Date(ctx.now().getTime() + timeoutSeconds * 1_000);
    const first = keyed && (await claimAnswer(inner, keyed, runsUntil));
    if (first) return { first, receipt: null };
    const receipt = await reserve(inner, wanted);
    if (!receipt.allowed) return refuse(ctx, receipt);
    if (keyed) await nameCharge(inner, keyed, receipt.holdId);
    return { receipt };
  });
}

async function finish<R extends { ok: boolean }>(result: R, reservation: Reservation): Promise<R> {
  const { data } = result as { data?: unknown };
  if (result.ok && isStream(data)) return { ...result, data: meteredStream(data, reservation) };
  if (result.ok && !isDeferred(data)) {
    await reservation.settle({ kind: "done", answer: { data } });
    return result;
  }
  // What could not be given back now is free when the reservation expires; the caller hears of the failure itself.
  await reservation.settle({ kind: "unused" }).catch(() => {});
  if (result.ok)
    throw new Error("A guarded procedure answers with one value or one stream, not with parts of both.");
  return result;
}
