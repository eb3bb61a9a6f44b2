"use client";

import { Box, Button, Group, SimpleGrid, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconExternalLink } from "@tabler/icons-react";
import { useSuspenseQuery } from "@tanstack/react-query";
import { FailureAlert } from "@/components/failure-alert";
import { formatDate, formatPrice } from "@/components/format";
import { Section } from "@/components/section";
import { formatMoney } from "@/lib/money";
import type { Outputs } from "@/server/root";
import { useTRPC } from "@/trpc/client";
import { CancelDialog } from "../../_parts/cancel-dialog";
import { StatusBadge } from "../../_parts/status-badge";
import { usePayment } from "../../_parts/use-payment";
import { useWorkspace } from "../../_parts/workspace-context";
import { PaidDaysNotice } from "./paid-days";
import { Pause } from "./pause";
import { DiscountWords, PromotionCode } from "./promotion-code";
import { SubscriptionNotices } from "./subscription-notices";

type View = Outputs["billing"]["subscription"];
type Subscribed = NonNullable<View["subscription"]>;

export function Subscription() {
  const trpc = useTRPC();
  const { data } = useSuspenseQuery(trpc.billing.subscription.queryOptions());
  const { data: days } = useSuspenseQuery(trpc.billing.paidDays.queryOptions());
  const { timeZone } = useWorkspace();
  const { subscription, plan, hasPortal } = data;
  return (
    <Section
      title={`Plan: ${plan.name}`}
      description={plan.tagline}
      actions={
        <Group gap="sm" align="flex-start">
          {subscription && !subscription.cancelAt && <Pause subscription={subscription} />}
          {subscription && !subscription.cancelAt && (
            <Cancel subscription={subscription} planName={subscription.plan?.name ?? plan.name} />
          )}
          {hasPortal && <Portal />}
        </Group>
      }
    >
      {days && (
        <Box mb={subscription ? "lg" : 0}>
          <PaidDaysNotice days={days} then={subscriptionAfter(data)} />
        </Box>
      )}
      {subscription ? (
        <Stack gap="md">
          <Facts subscription={subscription} />
          <SubscriptionNotices subscription={subscription} />
          <PromotionCode subscription={subscription} />
        </Stack>
      ) : days ? null : (
        <Text size="sm" c="dimmed">
          {withoutSubscription(data, timeZone)}
        </Text>
      )}
    </Section>
  );
}

/** Where the plan comes from. One that is unpaid to the end of its card's retries keeps its plan for its days of grace. */
function withoutSubscription({ source, plan, endsAt }: View, timeZone: string): string {
  if (source === "operator")
    return "This plan was given to the workspace by the operator. There is nothing to pay.";
  if (source === "subscription")
    return endsAt
      ? `The subscription is unpaid. ${plan.name} works until ${formatDate(endsAt, timeZone)}; paid before, it goes on.`
      : `The subscription is unpaid. ${plan.name} goes on once it is paid.`;
  return "There is no subscription. Choose a plan below to get more.";
}

/** The plan of a subscription that waits for the days to end. */
function subscriptionAfter({ subscription }: View): string | null {
  return subscription?.beginsAt && !subscription.cancelAt ? (subscription.plan?.name ?? null) : null;
}

function Portal() {
  const { mayPay } = useWorkspace();
  const { manage, busy, error } = usePayment();
  return (
    <Stack gap="xs" align="flex-end">
      <Button
        variant="default"
        size="sm"
        rightSection={<IconExternalLink size={16} aria-hidden />}
        disabled={!mayPay}
        loading={busy}
        onClick={manage}
      >
        Manage in portal
      </Button>
      <FailureAlert error={error} />
    </Stack>
  );
}

function Cancel({ subscription, planName }: { subscription: Subscribed; planName: string }) {
  const { mayPay } = useWorkspace();
  const [opened, { open, close }] = useDisclosure();
  if (!mayPay) return null;
  return (
    <>
      <Button variant="default" size="sm" onClick={open}>
        Cancel
      </Button>
      <CancelDialog
        opened={opened}
        onClose={close}
        endsAt={subscription.currentPeriodEndsAt}
        planName={planName}
      />
    </>
  );
}

function Facts({ subscription }: { subscription: Subscribed }) {
  const { timeZone } = useWorkspace();
  const {
    status,
    interval,
    price,
    seats,
    discounts,
    pause,
    currentPeriodEndsAt,
    cancelAt,
    trialEndsAt,
    beginsAt,
  } = subscription;
  const waits = beginsAt !== null;
  const isTrial = status === "trialing";
  return (
    <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="lg" component="dl" m={0}>
      <Fact term="Status">
        <StatusBadge status={waits ? "not_begun" : status} />
      </Fact>
      <Fact term="Price">
        {formatPrice(formatMoney(price))} a {interval}
      </Fact>
      {seats && (
        <Fact term={seats.name}>
          {seats.quantity} × {formatPrice(formatMoney(seats.each))}
        </Fact>
      )}
      {discounts.map((discount) => (
        <Fact key={discount.name} term="Discount">
          <DiscountWords discount={discount} />
        </Fact>
      ))}
      {pause === null && (
        <Fact term={cancelAt ? "Ends" : isTrial ? "First payment" : "Renews"}>
          {formatDate(cancelAt ?? currentPeriodEndsAt, timeZone)}
        </Fact>
      )}
      {trialEndsAt && isTrial && !waits && <Fact term="Trial ends">{formatDate(trialEndsAt, timeZone)}</Fact>}
    </SimpleGrid>
  );
}

function Fact({ term, children }: { term: string; children: React.ReactNode }) {
  return (
    <Stack gap={4}>
      <Text size="sm" c="dimmed" component="dt">
        {term}
      </Text>
      <Group component="dd" m={0} fw={550} fz="sm">
        {children}
      </Group>
    </Stack>
  );
}
