import { SimpleGrid, Stack } from "@mantine/core";
import type { Metadata } from "next";
import { PageHeader } from "@/components/page-header";
import { QueryBoundary } from "@/components/query-boundary";
import { CardsSkeleton, LinesSkeleton } from "@/components/skeletons";
import { mayDo } from "@/server/accounts/rules";
import { Prefetched } from "@/trpc/server";
import { openWorkspace } from "../_parts/open-workspace";
import { AutoTopUp } from "./_parts/auto-top-up";
import { Balance } from "./_parts/balance";
import { Books } from "./_parts/books";
import { Buy } from "./_parts/buy";
import { ROWS_PER_PAGE } from "./_parts/inputs";
import { Redeem } from "./_parts/redeem";

export const metadata: Metadata = { title: "Credits" };

export default async function CreditsPage({ params, searchParams }: PageProps<"/[tenant]/credits">) {
  const { workspace, trpc, queries } = await openWorkspace(params, "credits");
  const { pack, order } = await searchParams;
  const seesBilling = workspace.role !== null && mayDo(workspace.role, "billing:read");
  void queries.prefetchQuery(trpc.credits.balance.queryOptions());
  void queries.prefetchQuery(trpc.credits.lifetime.queryOptions());
  void queries.prefetchQuery(trpc.billing.plans.queryOptions());
  void queries.prefetchQuery(trpc.billing.subscription.queryOptions());
  void queries.prefetchQuery(trpc.credits.history.queryOptions({ limit: ROWS_PER_PAGE }));
  if (seesBilling) void queries.prefetchQuery(trpc.billing.autoTopUp.queryOptions());
  return (
    <Prefetched workspace={workspace.slug}>
      <PageHeader
        title="Credits"
        description="What there is to spend, how more of it comes, and where it went."
      />
      <Stack gap="lg">
        <QueryBoundary loading={<CardsSkeleton cards={1} height={300} />}>
          <Balance />
        </QueryBoundary>
        <QueryBoundary loading={<CardsSkeleton cards={1} height={340} />}>
          <Buy pack={one(pack)} />
        </QueryBoundary>
        <SimpleGrid cols={{ base: 1, md: seesBilling ? 2 : 1 }} spacing="lg">
          {seesBilling && (
            <QueryBoundary loading={<CardsSkeleton cards={1} height={180} />}>
              <AutoTopUp />
            </QueryBoundary>
          )}
          <Redeem />
        </SimpleGrid>
        <QueryBoundary loading={<LinesSkeleton />}>
          <Books seesOrders={seesBilling} order={one(order)} />
        </QueryBoundary>
      </Stack>
    </Prefetched>
  );
}

/** A parameter of the address that stands there once; null for everything else. */
function one(value: string | string[] | undefined): string | null {
  return typeof value === "string" ? value : null;
}
