import { Stack } from "@mantine/core";
import type { Metadata } from "next";
import { PageHeader } from "@/components/page-header";
import { QueryBoundary } from "@/components/query-boundary";
import { CardsSkeleton } from "@/components/skeletons";
import { mayDo } from "@/server/accounts/rules";
import { Prefetched } from "@/trpc/server";
import { openWorkspace } from "../_parts/open-workspace";
import { ComingVersion } from "./_parts/coming-version";
import { Details } from "./_parts/details";
import { INVOICES_PER_PAGE } from "./_parts/inputs";
import { Invoices } from "./_parts/invoices";
import { PaymentMethods } from "./_parts/payment-methods";
import { Plans } from "./_parts/plans";
import { Subscription } from "./_parts/subscription";

export const metadata: Metadata = { title: "Billing" };

export default async function BillingPage({ params, searchParams }: PageProps<"/[tenant]/billing">) {
  const { workspace, trpc, queries, caller } = await openWorkspace(params, "billing");
  const seesBilling = workspace.role !== null && mayDo(workspace.role, "billing:read");
  // Back from Stripe's pages: what was done there shows at once, and when Stripe is away, once its event arrives.
  if ((await searchParams).from !== undefined) await caller.billing.refresh().catch(() => undefined);
  void queries.prefetchQuery(trpc.billing.subscription.queryOptions());
  void queries.prefetchQuery(trpc.billing.paidDays.queryOptions());
  void queries.prefetchQuery(trpc.billing.comingVersion.queryOptions());
  void queries.prefetchQuery(trpc.billing.plans.queryOptions());
  if (seesBilling) {
    void queries.prefetchQuery(trpc.billing.paymentMethods.queryOptions());
    void queries.prefetchQuery(trpc.billing.details.queryOptions());
    void queries.prefetchQuery(trpc.billing.invoices.queryOptions({ limit: INVOICES_PER_PAGE }));
  }
  return (
    <Prefetched workspace={workspace.slug}>
      <PageHeader title="Billing" description="The plan, and the way to pay for it." />
      <Stack gap={40}>
        <QueryBoundary loading={null}>
          <ComingVersion />
        </QueryBoundary>
        <QueryBoundary loading={<CardsSkeleton cards={1} height={160} />}>
          <Subscription />
        </QueryBoundary>
        <QueryBoundary loading={<CardsSkeleton cards={4} height={420} />}>
          <Plans />
        </QueryBoundary>
        {seesBilling && (
          <QueryBoundary loading={<CardsSkeleton cards={1} height={140} />}>
            <PaymentMethods />
          </QueryBoundary>
        )}
        {seesBilling && (
          <QueryBoundary loading={<CardsSkeleton cards={1} height={180} />}>
            <Details />
          </QueryBoundary>
        )}
        {seesBilling && (
          <QueryBoundary loading={<CardsSkeleton cards={1} height={220} />}>
            <Invoices />
          </QueryBoundary>
        )}
      </Stack>
    </Prefetched>
  );
}
