import { Stack } from "@mantine/core";
import type { Metadata } from "next";
import { PageHeader } from "@/components/page-header";
import { QueryBoundary } from "@/components/query-boundary";
import { CardsSkeleton, LinesSkeleton } from "@/components/skeletons";
import { Prefetched } from "@/trpc/server";
import { LimitWarning } from "../_parts/limit-warning";
import { openWorkspace } from "../_parts/open-workspace";
import { ChannelList } from "./_parts/channel-list";
import { CreateChannel } from "./_parts/create-channel";

export const metadata: Metadata = { title: "Channels" };

export default async function ChannelsPage({ params }: PageProps<"/[tenant]/channels">) {
  const { workspace, trpc, queries } = await openWorkspace(params, "channels");
  void queries.prefetchQuery(trpc.channels.list.queryOptions());
  void queries.prefetchQuery(trpc.quota.status.queryOptions());
  void queries.prefetchQuery(trpc.billing.plans.queryOptions());
  void queries.prefetchQuery(trpc.billing.subscription.queryOptions());
  return (
    <Prefetched workspace={workspace.slug}>
      <PageHeader
        title="Channels"
        description="A level limit: a channel takes a place, and removing it gives the place back."
      />
      <Stack gap="lg">
        <QueryBoundary loading={<CardsSkeleton cards={1} height={180} />}>
          <LimitWarning feature="channels" />
          <CreateChannel />
        </QueryBoundary>
        <QueryBoundary loading={<LinesSkeleton />}>
          <ChannelList />
        </QueryBoundary>
      </Stack>
    </Prefetched>
  );
}
