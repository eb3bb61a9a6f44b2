"use client";

import { Alert, Button, Stack, Text } from "@mantine/core";
import { useMounted } from "@mantine/hooks";
import { IconAlertTriangle, IconExternalLink } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { formatDate, formatPrice } from "@/components/format";
import { formatMoney } from "@/lib/money";
import type { Outputs } from "@/server/root";
import { useTRPC } from "@/trpc/client";
import { useBillingRefresh } from "./use-billing-refresh";
import { useWorkspace } from "./workspace-context";

type Unpaid = NonNullable<Outputs["billing"]["pastDue"]>;

/** It may be paid in another window. */
const LOOK_AGAIN_MS = 5_000;

/** What of the plan is unpaid; null: nothing, or nobody has answered yet. */
export function usePastDue(): Unpaid | null {
  const trpc = useTRPC();
  const options = trpc.billing.pastDue.queryOptions();
  const { data } = useQuery({
    ...options,
    refetchInterval: (query) => (query.state.data ? LOOK_AGAIN_MS : false),
  });
  return data ?? null;
}

/** On every page while the plan is unpaid. In the browser only, as every page has its own to fetch first. */
export function PastDue() {
  return useMounted() && <Notice />;
}

function Notice() {
  const unpaid = usePastDue();
  useRefreshOnChange(unpaid !== null);
  if (!unpaid) return null;
  return (
    <Alert
      color={unpaid.step === "grace" ? "yellow" : "red"}
      icon={<IconAlertTriangle size={18} aria-hidden />}
      title={titleOf(unpaid)}
      mb="lg"
      role="status"
    >
      <Stack gap="sm" align="flex-start">
        <Words unpaid={unpaid} />
        <PayNow unpaid={unpaid} />
      </Stack>
    </Alert>
  );
}

const amountOf = ({ amount }: Unpaid) => formatPrice(formatMoney(amount));

function titleOf(unpaid: Unpaid): string {
  if (unpaid.step === "grace") return `Your payment of ${amountOf(unpaid)} did not go through`;
  return unpaid.step === "purchases_stopped"
    ? `${amountOf(unpaid)} is still unpaid`
    : "Your plan ended: it was not paid";
}

function Words({ unpaid }: { unpaid: Unpaid }) {
  const { timeZone } = useWorkspace();
  const on = (at: Date) => formatDate(at, timeZone);
  const { step, nextAttemptAt, purchasesStopAt, planEndsAt } = unpaid;
  const words = {
    grace: [
      `Until ${on(purchasesStopAt)} everything works as before.`,
      nextAttemptAt ? `The card is tried again on ${on(nextAttemptAt)}.` : "The card is not tried again.",
    ],
    purchases_stopped: [
      "What the plan includes still works, but nothing more can be bought.",
      `On ${on(planEndsAt)} the workspace falls to the free plan.`,
    ],
    plan_ended: ["The workspace is on the free plan now. Nothing you made was deleted."],
  }[step];
  return <Text size="sm">{words.join(" ")}</Text>;
}

/** For those who may pay; the others know whom to ask. */
export function PayNow({ unpaid: { payUrl, step } }: { unpaid: Unpaid }) {
  const { mayPay } = useWorkspace();
  if (step === "plan_ended") return null;
  if (!mayPay) return <Text size="sm">Please ask an owner to pay.</Text>;
  if (!payUrl) return null;
  return (
    <Button
      component="a"
      href={payUrl}
      target="_blank"
      rel="noreferrer"
      size="xs"
      rightSection={<IconExternalLink size={14} aria-hidden />}
    >
      Pay now
    </Button>
  );
}

/** The rest of the page may have been read before it was unpaid, and paying puts back more than this notice. */
function useRefreshOnChange(isUnpaid: boolean): void {
  const refresh = useBillingRefresh();
  const was = useRef(false);
  useEffect(() => {
    if (was.current !== isUnpaid) void refresh();
    was.current = isUnpaid;
  });
}
