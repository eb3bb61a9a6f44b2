"use client";

import { Alert, Button, Group, SimpleGrid, Stack, Text } from "@mantine/core";
import { IconExternalLink } from "@tabler/icons-react";
import { useSuspenseQuery } from "@tanstack/react-query";
import { FailureAlert } from "@/components/failure-alert";
import { formatDate, formatPrice } from "@/components/format";
import { Section } from "@/components/section";
import { formatMoney } from "@/lib/money";
import type { Outputs } from "@/server/root";
import { useTRPC } from "@/trpc/client";
import { StatusBadge } from "../../_parts/status-badge";
import { usePayment } from "../../_parts/use-payment";
import { useWorkspace } from "../../_parts/workspace-context";

type View = Outputs["billing"]["subscription"];

export function Subscription() {
  const trpc = useTRPC();
  const { data } = useSuspenseQuery(trpc.billing.subscription.queryOptions());
  return (
    <Section
      title={`Plan: ${data.plan.name}`}
      description={data.plan.tagline}
      actions={data.hasPortal && <Portal />}
    >
      {data.subscription ? (
        <Facts subscription={data.subscription} />
      ) : (
        <Text size="sm" c="dimmed">
          {data.source === "operator"
            ? "This plan was given to the workspace by the operator. There is nothing to pay."
            : "There is no subscription. Choose a plan below to get more."}
        </Text>
      )}
    </Section>
  );
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

function Facts({ subscription }: { subscription: NonNullable<View["subscription"]> }) {
  const { timeZone } = useWorkspace();
  const { status, interval, price, currentPeriodEndsAt, cancelAt, trialEndsAt } = subscription;
  return (
    <Stack gap="md">
      <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="lg" component="dl" m={0}>
        <Fact term="Status">
          <StatusBadge status={status} />
        </Fact>
        <Fact term="Price">
          {formatPrice(formatMoney(price))} a {interval}
        </Fact>
        <Fact term={cancelAt ? "Ends" : "Renews"}>
          {formatDate(cancelAt ?? currentPeriodEndsAt, timeZone)}
        </Fact>
        {trialEndsAt && <Fact term="Trial ends">{formatDate(trialEndsAt, timeZone)}</Fact>}
      </SimpleGrid>
      {status === "past_due" && (
        <Alert color="red" title="The last payment failed">
          Everything still works while we try again. Update the card in the portal.
        </Alert>
      )}
      {cancelAt && (
        <Alert color="yellow" title={`The subscription ends ${formatDate(cancelAt, timeZone)}`}>
          The plan works until then. Renew it in the portal if you change your mind.
        </Alert>
      )}
    </Stack>
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
