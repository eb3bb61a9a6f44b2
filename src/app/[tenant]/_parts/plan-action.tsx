"use client";

import { Button, Stack } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useSuspenseQuery } from "@tanstack/react-query";
import type { Interval } from "@/app/_parts/pricing/plan-price";
import { FailureAlert } from "@/components/failure-alert";
import { formatDate } from "@/components/format";
import { site } from "@/config/site";
import type { PlanOffer } from "@/server/orders/offers";
import type { Outputs } from "@/server/root";
import { useTRPC } from "@/trpc/client";
import { CancelDialog } from "./cancel-dialog";
import { ChangeDialog } from "./change-dialog";
import { CheckoutDialog } from "./checkout-dialog";
import { usePastDue } from "./past-due";
import { usePayment } from "./use-payment";
import { useWorkspace } from "./workspace-context";

type PaidDays = Outputs["billing"]["paidDays"];
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
  const pastDue = usePastDue();
  const { data: days } = useSuspenseQuery(trpc.billing.paidDays.queryOptions());
  if (plan.kind === "contact") {
    return (
      <Button component="a" variant="default" href={`mailto:${site.supportEmail}`}>
        Contact us
      </Button>
    );
  }
  const sold = interval === "year" && plan.annual ? "year" : "month";
  const { subscription } = data;
  if (plan.id === data.plan.id && !plan.prepaid && (!subscription || subscription.interval === sold))
    return <Inert>Your plan</Inert>;
  if (!mayPay) return <Inert>Ask an owner</Inert>;
  if (plan.kind === "free" && !subscription) return <Inert>Included</Inert>;
  if (plan.kind !== "free" && pastDue) return <Inert>Pay what is due first</Inert>;
  if (plan.prepaid) return <BuyDays plan={plan} days={days} subscribed={subscription !== null} />;
  if (!subscription && days && plan.kind !== "free") return <SubscribeLater plan={plan} interval={sold} />;
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

const DAY_MS = 86_400_000;

/** More days of the plan one has, or days of another one: said to the day before anybody pays. */
function BuyDays({ plan, days, subscribed }: { plan: PlanOffer; days: PaidDays; subscribed: boolean }) {
  const { timeZone } = useWorkspace();
  const [opened, { open, close }] = useDisclosure();
  const count = plan.prepaid?.days ?? 0;
  const isMore = days?.plan.id === plan.id;
  const until = isMore && days.endsAt ? new Date(days.endsAt.getTime() + count * DAY_MS) : null;
  const label = until ? `Extend to ${formatDate(until, timeZone)}` : `Pay for ${count} days`;
  return (
    <>
      <Button px="xs" variant={subscribed ? "default" : "filled"} onClick={open}>
        {label}
      </Button>
      <CheckoutDialog
        title={`${plan.name}, ${count} days`}
        wish={{ plan: plan.id }}
        opened={opened}
        onClose={close}
      />
    </>
  );
}

/** A subscription, while days are paid for: it begins after them, or at once, and they wait. */
function SubscribeLater({ plan, interval }: { plan: PlanOffer; interval: Interval }) {
  const [opened, { open, close }] = useDisclosure();
  return (
    <>
      <Button px="xs" variant="default" onClick={open}>
        Subscribe to {plan.name}
      </Button>
      <CheckoutDialog
        title={`${plan.name}, paid by the ${interval}`}
        wish={{ plan: plan.id, interval }}
        asksWhen
        opened={opened}
        onClose={close}
      />
    </>
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
  if (subscription.beginsAt && plan.kind !== "free")
    return (
      <Inert>
        {plan.id === subscription.plan?.id && !cancelAt
          ? `From ${formatDate(subscription.beginsAt, timeZone)}`
          : "Cancel what is to come first"}
      </Inert>
    );
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
