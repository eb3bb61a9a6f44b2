"use client";

import { Button, Stack } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useSuspenseQuery } from "@tanstack/react-query";
import type { Interval } from "@/app/_parts/pricing/plan-price";
import { FailureAlert } from "@/components/failure-alert";
import { formatDate } from "@/components/format";
import { site } from "@/config/site";
import type { PlanOffer } from "@/server/billing/offers";
import type { Outputs } from "@/server/root";
import { useTRPC } from "@/trpc/client";
import { CancelDialog } from "./cancel-dialog";
import { ChangeDialog } from "./change-dialog";
import { usePayment } from "./use-payment";
import { useWorkspace } from "./workspace-context";

type Subscription = NonNullable<Outputs["billing"]["subscription"]["subscription"]>;

interface PlanActionProps {
  plan: PlanOffer;
  interval: Interval;
  /** The button stands out. */
  recommended?: boolean;
}

/** The one thing that can be done about a plan here: buy it, change to it, cancel down to it, or write to us. */
export function PlanAction({ plan, interval, recommended = true }: PlanActionProps) {
  const trpc = useTRPC();
  const { mayPay } = useWorkspace();
  const { data } = useSuspenseQuery(trpc.billing.subscription.queryOptions());
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
  if (!subscription) return <Buy plan={plan} interval={sold} recommended={recommended} />;
  const currentName = data.plan.name;
  return <Change plan={plan} interval={sold} subscription={subscription} currentName={currentName} />;
}

function Buy({ plan, interval, recommended }: Required<PlanActionProps>) {
  const { buy, busy, error } = usePayment();
  return (
    <Stack gap="xs">
      <Button
        px="xs"
        variant={recommended ? "filled" : "default"}
        loading={busy}
        onClick={() => buy({ plan: plan.id, interval })}
      >
        Upgrade to {plan.name}
      </Button>
      <FailureAlert error={error} />
    </Stack>
  );
}

interface ChangeProps {
  plan: PlanOffer;
  interval: Interval;
  subscription: Subscription;
  currentName: string;
}

/** One change at a time: while one is to come, or the end, the others wait until that is undone. */
function Change({ plan, interval, subscription, currentName }: ChangeProps) {
  const { timeZone } = useWorkspace();
  const [opened, { open, close }] = useDisclosure();
  const { change, cancelAt, currentPeriodEndsAt: endsAt } = subscription;
  if (subscription.pause) return <Inert>Resume first</Inert>;
  if (cancelAt)
    return <Inert>{plan.kind === "free" ? `From ${formatDate(cancelAt, timeZone)}` : "Resume first"}</Inert>;
  if (change?.kind === "scheduled" && change.plan?.id === plan.id && change.interval === interval)
    return <Inert>{`From ${formatDate(change.at, timeZone)}`}</Inert>;
  if (plan.kind === "free")
    return (
      <>
        <Button px="xs" variant="default" onClick={open}>
          Cancel subscription
        </Button>
        <CancelDialog opened={opened} onClose={close} endsAt={endsAt} planName={currentName} />
      </>
    );
  if (change) return <Inert>Undo the change first</Inert>;
  return (
    <>
      <Button px="xs" variant="default" onClick={open}>
        Change to {plan.name}
      </Button>
      <ChangeDialog plan={plan} interval={interval} opened={opened} onClose={close} />
    </>
  );
}

function Inert({ children }: { children: string }) {
  return (
    <Button px="xs" variant="default" disabled>
      {children}
    </Button>
  );
}
