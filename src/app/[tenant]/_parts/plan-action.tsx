"use client";

import { Button, Stack } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import type { Interval } from "@/app/_parts/pricing/plan-price";
import { FailureAlert } from "@/components/failure-alert";
import { site } from "@/config/site";
import type { PlanOffer } from "@/server/billing/offers";
import { useTRPC } from "@/trpc/client";
import { usePayment } from "./use-payment";
import { useWorkspace } from "./workspace-context";

interface PlanActionProps {
  plan: PlanOffer;
  interval: Interval;
  /** The button stands out. */
  recommended?: boolean;
}

/** The one thing that can be done about a plan here: buy it, change to it in the portal, or write to us. */
export function PlanAction({ plan, interval, recommended = true }: PlanActionProps) {
  const trpc = useTRPC();
  const { mayPay } = useWorkspace();
  const { data } = useSuspenseQuery(trpc.billing.subscription.queryOptions());
  const { buy, manage, busy, error } = usePayment();
  if (plan.kind === "contact") {
    return (
      <Button component="a" variant="default" href={`mailto:${site.supportEmail}`}>
        Contact us
      </Button>
    );
  }
  const sold = interval === "year" && plan.annual ? "year" : "month";
  const { subscription } = data;
  if (plan.id === data.plan.id && (!subscription || subscription.interval === sold))
    return <Inert>Your plan</Inert>;
  if (!mayPay) return <Inert>Ask an owner</Inert>;
  if (plan.kind === "free" && !subscription) return <Inert>Included</Inert>;
  return (
    <Stack gap="xs">
      {subscription ? (
        <Button px="xs" variant="default" loading={busy} onClick={manage}>
          {plan.kind === "free" ? "Cancel in portal" : "Change in portal"}
        </Button>
      ) : (
        <Button
          px="xs"
          variant={recommended ? "filled" : "default"}
          loading={busy}
          onClick={() => buy({ plan: plan.id, interval: sold })}
        >
          Upgrade to {plan.name}
        </Button>
      )}
      <FailureAlert error={error} />
    </Stack>
  );
}

function Inert({ children }: { children: string }) {
  return (
    <Button px="xs" variant="default" disabled>
      {children}
    </Button>
  );
}
