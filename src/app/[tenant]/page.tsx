import { Box, Stack } from "@mantine/core";
import type { Metadata } from "next";
import { PageHeader } from "@/components/page-header";
import { QueryBoundary } from "@/components/query-boundary";
import { CardsSkeleton } from "@/components/skeletons";
import { Prefetched } from "@/trpc/server";
import { openWorkspace } from "./_parts/open-workspace";
import { FirstSteps } from "./_parts/overview/first-steps";
import { Meters } from "./_parts/overview/meters";
import { Summary } from "./_parts/overview/summary";

export const metadata: Metadata = { title: "Overview" };

export default async function OverviewPage({ params }: PageProps<"/[tenant]">) {
  const { workspace, trpc, queries } = await openWorkspace(params, "");
  void queries.prefetchQuery(trpc.quota.status.queryOptions());
  void queries.prefetchQuery(trpc.billing.subscription.queryOptions());
  void queries.prefetchQuery(trpc.credits.balance.queryOptions());
  return (
    <Prefetched workspace={workspace.slug}>
      <PageHeader title="Overview" description={`What ${workspace.name} has, and how much of it is used.`} />
      <Stack gap="lg">
        <QueryBoundary loading={<CardsSkeleton cards={3} height={170} />}>
          <Summary />
        </QueryBoundary>
        <QueryBoundary loading={<CardsSkeleton cards={1} height={320} />}>
          <Meters />
        </QueryBoundary>
        <Box>
          <FirstSteps slug={workspace.slug} />
        </Box>
      </Stack>
    </Prefetched>
  );
}
