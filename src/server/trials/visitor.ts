import { clientAddress, networksOf } from "../accounts/network";
import type { Runtime } from "../context";
import { trialIdIn } from "./cookie";

/** Somebody without an account, as far as a request proves it. */
export interface Visitor {
  /** The trial that a cookie of ours names; null without one. */
  trialId: string | null;
  /** What the client's address is in, the narrowest first; empty when no trusted proxy tells it. */
  networks: string[];
}

/** Believes the cookie's signature and the header that the operator's proxy sets, and nothing else of a request. */
export function visitorOf(ctx: Runtime, headers: Headers): Visitor {
  return {
    trialId: trialIdIn(ctx, headers),
    networks: networksOf(clientAddress(headers, ctx.clientAddressHeader)),
  };
}
