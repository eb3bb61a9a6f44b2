"use client";

import { Badge, Card, Group, SimpleGrid, Stack, Text } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { formatCount, formatDate, formatDateTime, formatPrice } from "@/components/format";
import { LinkButton } from "@/components/link-button";
import { formatMoney } from "@/lib/money";
import type { Outputs } from "@/server/root";
import { useTRPC } from "@/trpc/client";
import { useQuota } from "@/trpc/use-quota";
import { StatusBadge } from "../status-badge";
import { useWorkspace } from "../workspace-context";

type View = Outputs["billing"]["subscription"];

const WORDS = { default: "No subscription", prepaid: "Paid ahead", operator: "Given" };

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
  const isFree = data.source === "default";
  return (
    <Figure
      label="Plan"
      figure={data.plan.name}
      note={termsOf(data, timeZone)}
      badge={<PlanBadge source={data.source} status={data.subscription?.status} />}
    >
      <LinkButton href={`/${slug}/billing`} size="xs" variant={isFree ? "filled" : "default"} mt="xs">
        {isFree ? "Upgrade" : "Manage"}
      </LinkButton>
    </Figure>
  );
}

/** What the plan costs and how long it lasts, or, where nobody pays for it, what it is. */
function termsOf({ subscription, plan, endsAt }: View, timeZone: string): string {
  if (!subscription) return endsAt ? `Ends ${formatDate(endsAt, timeZone)}` : plan.tagline;
  const { cancelAt, price, interval, currentPeriodEndsAt } = subscription;
  if (cancelAt) return `Ends ${formatDate(cancelAt, timeZone)}`;
  return `${formatPrice(formatMoney(price))} a ${interval} · renews ${formatDate(currentPeriodEndsAt, timeZone)}`;
}

/** Where the plan comes from. A subscription that is not shown any more, but still gives its plan, is unpaid. */
function PlanBadge({ source, status }: { source: View["source"]; status: string | undefined }) {
  if (status) return <StatusBadge status={status} />;
  if (source === "subscription") return <StatusBadge status="unpaid" />;
  return <Badge color="gray">{WORDS[source]}</Badge>;
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
