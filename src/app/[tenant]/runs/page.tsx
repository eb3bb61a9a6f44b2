import { Stack } from "@mantine/core";
import type { Metadata } from "next";
import { PageHeader } from "@/components/page-header";
import { QueryBoundary } from "@/components/query-boundary";
import { CardsSkeleton, LinesSkeleton } from "@/components/skeletons";
import { Prefetched } from "@/trpc/server";
import { LimitWarning } from "../_parts/limit-warning";
import { openWorkspace } from "../_parts/open-workspace";
import { RunList } from "./_parts/run-list";
import { StartRun } from "./_parts/start-run";

export const metadata: Metadata = { title: "Runs" };

export default async function RunsPage({ params }: PageProps<"/[tenant]/runs">) {
  const { workspace, trpc, queries } = await openWorkspace(params, "runs");
  void queries.prefetchQuery(trpc.runs.list.queryOptions());
  void queries.prefetchQuery(trpc.quota.status.queryOptions());
  void queries.prefetchQuery(trpc.billing.plans.queryOptions());
  void queries.prefetchQuery(trpc.billing.subscription.queryOptions());
  return (
    <Prefetched workspace={workspace.slug}>
      <PageHeader
        title="Runs"
        description="A stand-in for your product: each run costs compute, charged in the same transaction that makes it."
      />
      <Stack gap="lg">
        <QueryBoundary loading={<CardsSkeleton cards={1} height={200} />}>
          <LimitWarning feature="compute" />
          <StartRun />
        </QueryBoundary>
        <QueryBoundary loading={<LinesSkeleton />}>
          <RunList />
        </QueryBoundary>
      </Stack>
    </Prefetched>
  );
}
