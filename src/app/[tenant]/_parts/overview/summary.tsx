"use client";

import { Badge, Card, Group, SimpleGrid, Stack, Text } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { formatCount, formatDate, formatDateTime, formatPrice } from "@/components/format";
import { LinkButton } from "@/components/link-button";
import { formatMoney } from "@/lib/money";
import { useTRPC } from "@/trpc/client";
import { useQuota } from "@/trpc/use-quota";
import { StatusBadge } from "../status-badge";
import { useWorkspace } from "../workspace-context";

export function Summary() {
  return (
    <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }} spacing="md">
      <PlanCard />
      <CreditsCard />
      <ResetCard />
    </SimpleGrid>
  );
}

interface FigureProps {
  label: string;
  figure: string;
  badge?: ReactNode;
  note: string;
  children?: ReactNode;
}

function Figure({ label, figure, badge, note, children }: FigureProps) {
  return (
    <Card component="section" aria-label={label}>
      <Stack gap={6} h="100%">
        <Group justify="space-between" mih={24}>
          <Text size="sm" c="dimmed" fw={500}>
            {label}
          </Text>
          {badge}
        </Group>
        <Text fz={26} fw={650} lts="-0.02em" lh={1.2} className="figures">
          {figure}
        </Text>
        <Text size="sm" c="dimmed">
          {note}
        </Text>
        {children && <Group mt="auto">{children}</Group>}
      </Stack>
    </Card>
  );
}

function PlanCard() {
  const trpc = useTRPC();
  const { slug, timeZone } = useWorkspace();
  const { data } = useSuspenseQuery(trpc.billing.subscription.queryOptions());
  const { subscription, plan } = data;
  const note = subscription
    ? subscription.cancelAt
      ? `Ends ${formatDate(subscription.cancelAt, timeZone)}`
      : `${formatPrice(formatMoney(subscription.price))} a ${subscription.interval} · renews ${formatDate(subscription.currentPeriodEndsAt, timeZone)}`
    : plan.tagline;
  return (
    <Figure
      label="Plan"
      figure={plan.name}
      note={note}
      badge={
        subscription ? (
          <StatusBadge status={subscription.status} />
        ) : (
          <Badge color="gray">No subscription</Badge>
        )
      }
    >
      <LinkButton href={`/${slug}/billing`} size="xs" variant={subscription ? "default" : "filled"} mt="xs">
        {subscription ? "Manage" : "Upgrade"}
      </LinkButton>
    </Figure>
  );
}

function CreditsCard() {
  const trpc = useTRPC();
  const { slug, timeZone } = useWorkspace();
  const { data } = useSuspenseQuery(trpc.credits.balance.queryOptions());
  const note = data.nextExpiry
    ? `${formatCount(data.nextExpiry.units)} expire ${formatDate(data.nextExpiry.at, timeZone)}`
    : data.available > 0
      ? "They never expire"
      : "Credits pay for what the plan leaves out";
  return (
    <Figure label="Credits" figure={formatCount(data.available)} note={note}>
      <LinkButton href={`/${slug}/credits`} size="xs" variant="default" mt="xs">
        Buy credits
      </LinkButton>
    </Figure>
  );
}

function ResetCard() {
  const { slug, timeZone } = useWorkspace();
  const { meters } = useQuota();
  const [next] = meters
    .flatMap((meter) => (meter.resetsAt ? [{ name: meter.name, at: meter.resetsAt }] : []))
    .sort((a, b) => a.at.getTime() - b.at.getTime());
  const names = meters
    .filter(({ resetsAt }) => next && resetsAt?.getTime() === next.at.getTime())
    .map(({ name }) => name);
  return (
    <Figure
      label="Next reset"
      figure={next ? formatDate(next.at, timeZone) : "None"}
      note={
        next ? `${names.join(", ")} · ${formatDateTime(next.at, timeZone).slice(-5)}` : "Nothing runs out"
      }
    >
      <LinkButton href={`/${slug}/usage`} size="xs" variant="default" mt="xs">
        See usage
      </LinkButton>
    </Figure>
  );
}
