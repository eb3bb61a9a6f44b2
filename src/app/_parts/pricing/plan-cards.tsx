"use client";

import { Badge, Card, Divider, Group, SegmentedControl, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { IconCheck } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import type { FeatureOffer, Offers, PlanOffer } from "@/server/orders/offers";
import { limitSentence } from "./limit-words";
import { type Interval, PlanPrice } from "./plan-price";
import classes from "./pricing.module.css";

interface PlanCardsProps {
  offers: Offers;
  /** Marked as the one the workspace is on. */
  currentPlanId?: string;
  /** What can be done about a plan. The recommended one's button stands out. */
  action: (choice: { plan: PlanOffer; interval: Interval; recommended: boolean }) => ReactNode;
}

/** The plans side by side, with a switch between paying monthly and annually. */
export function PlanCards({ offers, currentPlanId, action }: PlanCardsProps) {
  const [interval, setInterval] = useState<Interval>("month");
  const recommended = offers.plans.find((plan) => plan.kind === "recurring");
  return (
    <Stack gap="lg">
      {offers.plans.some((plan) => plan.annual) && (
        <Group justify="center">
          <SegmentedControl
            aria-label="How to pay"
            value={interval}
            onChange={(value) => setInterval(value as Interval)}
            data={[
              { value: "month", label: "Monthly" },
              { value: "year", label: `Annual${savingOf(recommended)}` },
            ]}
          />
        </Group>
      )}
      <SimpleGrid cols={{ base: 1, xs: 2, lg: offers.plans.length > 4 ? 3 : 4 }} spacing="md">
        {offers.plans.map((plan) => (
          <PlanCard
            key={plan.id}
            plan={plan}
            interval={interval}
            features={offers.features}
            mark={markOf(plan, currentPlanId, recommended)}
          >
            {action({ plan, interval, recommended: plan === recommended })}
          </PlanCard>
        ))}
      </SimpleGrid>
    </Stack>
  );
}

interface PlanCardProps {
  plan: PlanOffer;
  interval: Interval;
  features: FeatureOffer[];
  mark: string | null;
  children: ReactNode;
}

function PlanCard({ plan, interval, features, mark, children }: PlanCardProps) {
  const counted = features.filter(({ kind }) => kind === "meter" || kind === "level");
  return (
    <Card className={classes.plan} data-marked={mark !== null || undefined} component="article">
      <Group justify="space-between" mb={4} mih={26}>
        <Title order={3} fz="md">
          {plan.name}
        </Title>
        {mark && <Badge>{mark}</Badge>}
      </Group>
      <Text size="sm" c="dimmed" mb="md">
        {plan.tagline}
      </Text>
      <PlanPrice plan={plan} interval={interval} />
      <Stack mt="md">{children}</Stack>
      <Divider my="lg" />
      <Stack gap={10} component="ul" className={classes.list}>
        {counted.map((feature) => (
          <Group key={feature.id} gap={10} wrap="nowrap" align="flex-start" component="li">
            <IconCheck size={16} className={classes.tick} aria-hidden />
            <Text size="sm">{limitSentence(feature, plan.limits[feature.id])}</Text>
          </Group>
        ))}
      </Stack>
    </Card>
  );
}

function markOf(plan: PlanOffer, current: string | undefined, recommended: PlanOffer | undefined) {
  if (current !== undefined) return plan.id === current ? "Current plan" : null;
  return plan.id === recommended?.id ? "Recommended" : null;
}

/** Whole per cent, rounded down: never promise more than is given. */
function savingOf(plan: PlanOffer | undefined): string {
  if (!plan?.monthly || !plan.annual) return "";
  const full = plan.monthly.amountMinor * 12n;
  const percent = ((full - plan.annual.amountMinor) * 100n) / full;
  return percent > 0n ? ` · save ${percent}%` : "";
}
