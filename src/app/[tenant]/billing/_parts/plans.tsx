"use client";

import { Button, Card, Collapse, Stack, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useSuspenseQuery } from "@tanstack/react-query";
import { Comparison } from "@/app/_parts/pricing/comparison";
import { PlanCards } from "@/app/_parts/pricing/plan-cards";
import { useTRPC } from "@/trpc/client";
import { PlanAction } from "../../_parts/plan-action";

export function Plans() {
  const trpc = useTRPC();
  const { data: offers } = useSuspenseQuery(trpc.billing.plans.queryOptions());
  const { data: current } = useSuspenseQuery(trpc.billing.subscription.queryOptions());
  const [open, { toggle }] = useDisclosure();
  return (
    <Stack component="section" gap="md" aria-label="Plans">
      <Title order={2}>Plans</Title>
      <PlanCards
        offers={offers}
        currentPlanId={current.plan.id}
        action={(choice) => <PlanAction {...choice} />}
      />
      <Button variant="subtle" color="gray" size="sm" onClick={toggle} aria-expanded={open} mx="auto">
        {open ? "Hide the comparison" : "Compare every feature"}
      </Button>
      <Collapse expanded={open}>
        <Card padding="xs">
          <Comparison offers={offers} />
        </Card>
      </Collapse>
    </Stack>
  );
}
