"use client";

import { Card, Tabs, TabsList, TabsPanel, TabsTab } from "@mantine/core";
import { QueryBoundary } from "@/components/query-boundary";
import { LinesSkeleton } from "@/components/skeletons";
import { History } from "./history";
import { Orders } from "./orders";
import { Statement } from "./statement";

interface BooksProps {
  seesOrders: boolean;
  /** Whose receipt is asked for by the address. */
  order: string | null;
}

/** What happened: row by row, month by month, and what was paid for. */
export function Books({ seesOrders, order }: BooksProps) {
  return (
    <Card component="section" aria-label="Books">
      <Tabs defaultValue={order && seesOrders ? "orders" : "history"} keepMounted={false}>
        <TabsList mb="lg">
          <TabsTab value="history">History</TabsTab>
          <TabsTab value="statement">Statements</TabsTab>
          {seesOrders && <TabsTab value="orders">Orders</TabsTab>}
        </TabsList>
        <TabsPanel value="history">
          <QueryBoundary loading={<LinesSkeleton />}>
            <History />
          </QueryBoundary>
        </TabsPanel>
        <TabsPanel value="statement">
          <QueryBoundary loading={<LinesSkeleton />}>
            <Statement />
          </QueryBoundary>
        </TabsPanel>
        {seesOrders && (
          <TabsPanel value="orders">
            <QueryBoundary loading={<LinesSkeleton />}>
              <Orders shown={order} />
            </QueryBoundary>
          </TabsPanel>
        )}
      </Tabs>
    </Card>
  );
}
