import { Stack } from "@mantine/core";
import type { Metadata } from "next";
import { calendarDay } from "@/components/format";
import { PageHeader } from "@/components/page-header";
import { QueryBoundary } from "@/components/query-boundary";
import { CardsSkeleton } from "@/components/skeletons";
import { Prefetched } from "@/trpc/server";
import { metersFirst } from "../_parts/meter-order";
import { openWorkspace } from "../_parts/open-workspace";
import { Entries } from "./_parts/entries";
import { DEFAULT_DAYS, ENTRIES_PER_PAGE } from "./_parts/inputs";
import { UsageChart } from "./_parts/usage-chart";

export const metadata: Metadata = { title: "Usage" };

export default async function UsagePage({ params }: PageProps<"/[tenant]/usage">) {
  const { workspace, trpc, queries, caller, ctx } = await openWorkspace(params, "usage");
  const { meters } = await caller.quota.status();
  // What leases come to is never used up: it has no history.
  const ordered = metersFirst(meters).filter(({ kind }) => kind !== "lease");
  const features = ordered.map(({ feature, name, unit }) => ({ feature, name, unit }));
  const first = ordered.find(({ used }) => used > 0) ?? ordered[0];
  if (first)
    void queries.prefetchQuery(
      trpc.quota.history.queryOptions({ feature: first.feature, days: DEFAULT_DAYS }),
    );
  void queries.prefetchQuery(trpc.billing.plans.queryOptions());
  void queries.prefetchQuery(trpc.credits.ledger.queryOptions({ limit: ENTRIES_PER_PAGE }));
  return (
    <Prefetched workspace={workspace.slug}>
      <PageHeader title="Usage" description="What was spent when, and every entry of the ledger." />
      <Stack gap="lg">
        {first && (
          <QueryBoundary loading={<CardsSkeleton cards={1} height={390} />}>
            <UsageChart
              features={features}
              firstFeature={first.feature}
              today={calendarDay(ctx.now(), workspace.timeZone)}
            />
          </QueryBoundary>
        )}
        <QueryBoundary loading={<CardsSkeleton cards={1} height={320} />}>
          <Entries />
        </QueryBoundary>
      </Stack>
    </Prefetched>
  );
}
