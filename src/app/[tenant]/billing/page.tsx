import { Stack } from "@mantine/core";
import type { Metadata } from "next";
import { PageHeader } from "@/components/page-header";
import { QueryBoundary } from "@/components/query-boundary";
import { CardsSkeleton } from "@/components/skeletons";
import { Prefetched } from "@/trpc/server";
import { openWorkspace } from "../_parts/open-workspace";
import { Plans } from "./_parts/plans";
import { Subscription } from "./_parts/subscription";

export const metadata: Metadata = { title: "Billing" };

export default async function BillingPage({ params, searchParams }: PageProps<"/[tenant]/billing">) {
  const { workspace, trpc, queries, caller } = await openWorkspace(params, "billing");
  // Back from Stripe's portal: what was done there shows at once, and when Stripe is away, once its event arrives.
  if ((await searchParams).from === "portal") await caller.billing.refresh().catch(() => undefined);
  void queries.prefetchQuery(trpc.billing.subscription.queryOptions());
  void queries.prefetchQuery(trpc.billing.plans.queryOptions());
  return (
    <Prefetched workspace={workspace.slug}>
      <PageHeader title="Billing" description="The plan, and the way to pay for it." />
      <Stack gap={40}>
        <QueryBoundary loading={<CardsSkeleton cards={1} height={160} />}>
          <Subscription />
        </QueryBoundary>
        <QueryBoundary loading={<CardsSkeleton cards={4} height={420} />}>
          <Plans />
        </QueryBoundary>
      </Stack>
    </Prefetched>
  );
}
