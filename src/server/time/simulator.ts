import type { Due } from "./rules";

/** What the time machine asks of the simulated Stripe, by its control API. */
export interface Simulator {
  /** Does what is due by now; says what will be next, and how many events there were so far. */
  due(): Promise<{ next: Due | null; events: number }>;
  /** Resolves when every webhook was answered or given up. */
  flush(): Promise<void>;
  /** Declines the next charge, whatever the card. */
  declineNext(): Promise<void>;
  /** Declines a stored card from an instant on. */
  expireCard(paymentMethod: string, at: Date): Promise<void>;
  /** Fills in a hosted page with a good card and presses its button, as a person would. */
  pay(pageUrl: string): Promise<void>;
}

const TIMEOUT_MS = 60_000;

/** @param url its origin, as in STRIPE_API_URL */
export function simulatorAt(url: string): Simulator {
  const ask = async <T>(command: string, body: object = {}): Promise<T> => {
    const response = await fetch(`${url}/__sim/${command}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) throw new Error(`The simulated Stripe answered ${response.status} to ${command}.`);
    return (await response.json()) as T;
  };
  return {
    due: async () => {
      const { next, events } = await ask<{ next: { at: string; what: string } | null; events: number }>(
        "due",
      );
      return { next: next && { at: new Date(next.at), what: next.what }, events };
    },
    flush: () => ask("flush"),
    declineNext: () => ask("decline-next", { count: 1 }),
    expireCard: (paymentMethod, at) => ask("expire-card", { paymentMethod, date: at.toISOString() }),
    pay: async (pageUrl) => {
      const form = new URLSearchParams({ action: "pay", card: "success" });
      const options = { method: "POST", body: form, redirect: "manual" } as const;
      const response = await fetch(pageUrl, { ...options, signal: AbortSignal.timeout(TIMEOUT_MS) });
      await response.arrayBuffer();
      if (response.status !== 303) throw new Error(`The hosted page answered ${response.status}.`);
    },
  };
}
