import { env } from "node:process";

/** The secret key of a sandbox of the real Stripe; null when there is none, or only the simulator's. */
export function sandboxKey(): string | null {
  const key = env.STRIPE_SECRET_KEY ?? "";
  return key.startsWith("sk_test_") && !key.startsWith("sk_test_sim") ? key : null;
}
