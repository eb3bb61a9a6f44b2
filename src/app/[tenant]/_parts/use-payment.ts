"use client";

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import type { CheckoutInput } from "@/server/orders/inputs";
import { useTRPC } from "@/trpc/client";

export type Wish = CheckoutInput;

/**
 * Leads to the hosted checkout or portal. `busy` stays on until the browser has left the page, so a second click
 * finds nothing to press; the server would give it the same page anyway.
 */
export function usePayment() {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const leave = ({ url }: { url: string }) => window.location.assign(url);
  // A refusal means that the page knows less than the server, such as a subscription made in another tab.
  const onError = () => void queries.invalidateQueries(trpc.billing.subscription.queryFilter());
  const checkout = useMutation(trpc.billing.checkout.mutationOptions({ onSuccess: leave, onError }));
  const portal = useMutation(trpc.billing.portal.mutationOptions({ onSuccess: leave, onError }));
  useReturnByBackButton(() => {
    checkout.reset();
    portal.reset();
  });
  return {
    buy: (wish: Wish) => checkout.mutate(wish),
    manage: () => portal.mutate(),
    busy: checkout.isPending || checkout.isSuccess || portal.isPending || portal.isSuccess,
    error: checkout.error ?? portal.error,
  };
}

/** The back button may restore the page as it was left, with its buttons still busy. */
function useReturnByBackButton(reset: () => void): void {
  useEffect(() => {
    const onShow = ({ persisted }: PageTransitionEvent) => {
      if (persisted) reset();
    };
    window.addEventListener("pageshow", onShow);
    return () => window.removeEventListener("pageshow", onShow);
  });
}
