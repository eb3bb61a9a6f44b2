"use client";

import { SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { formatCount } from "@/components/format";
import { useTRPC } from "@/trpc/client";
import { Lots } from "./lots";
import { PackCard } from "./pack-card";

export function Credits() {
  const trpc = useTRPC();
  const { data: offers } = useSuspenseQuery(trpc.billing.plans.queryOptions());
  const { data: balance } = useSuspenseQuery(trpc.credits.balance.queryOptions());
  return (
    <Stack component="section" id="credits" gap="md" aria-labelledby="credits-title">
      <Stack gap={2}>
        <Title order={2} id="credits-title">
          Credits
        </Title>
        <Text size="sm" c="dimmed">
          {formatCount(balance.available)} available. Credits are spent when an allowance is used up.
        </Text>
      </Stack>
      <SimpleGrid cols={{ base: 1, xs: 3 }} spacing="md">
        {offers.packs.map((pack) => (
          <PackCard key={pack.id} pack={pack} />
        ))}
      </SimpleGrid>
      <Lots lots={balance.lots} />
    </Stack>
  );
}
