"use client";

import { EmptyState, TableTbody, TableTd, TableTh, TableThead, TableTr, Text } from "@mantine/core";
import { IconShoppingBag } from "@tabler/icons-react";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { formatDate } from "@/components/format";
import { Opener } from "@/components/opener";
import { WideTable } from "@/components/wide-table";
import { formatMoney } from "@/lib/money";
import type { Outputs } from "@/server/root";
import { useTRPC } from "@/trpc/client";
import { usePages } from "../../_parts/use-pages";
import { useWorkspace } from "../../_parts/workspace-context";
import { ORDERS_PER_PAGE } from "./inputs";
import { OrderBadge } from "./order-badge";
import { Receipt } from "./receipt";

type Order = Outputs["billing"]["orders"]["orders"][number];

/** What was bought, newest first. `shown`: whose receipt is open from the start. */
export function Orders({ shown }: { shown: string | null }) {
  const trpc = useTRPC();
  const { cursor, pager } = usePages();
  const [open, setOpen] = useState<string | null>(shown);
  const { data } = useSuspenseQuery(trpc.billing.orders.queryOptions({ limit: ORDERS_PER_PAGE, cursor }));
  if (data.orders.length === 0)
    return (
      <EmptyState
        icon={<IconShoppingBag size={36} stroke={1.4} />}
        title="No orders yet"
        description="What you buy is listed here with its receipt."
      />
    );
  return (
    <>
      <WideTable label="Orders" minWidth={300} highlightOnHover>
        <TableThead>
          <TableTr>
            <TableTh>What</TableTh>
            <TableTh visibleFrom="xs">Ordered</TableTh>
            <TableTh>State</TableTh>
            <TableTh ta="right">Total</TableTh>
          </TableTr>
        </TableThead>
        <TableBody orders={data.orders} onOpen={setOpen} />
      </WideTable>
      {pager(data.next)}
      <Receipt orderId={open} onClose={() => setOpen(null)} />
    </>
  );
}

function TableBody({ orders, onOpen }: { orders: readonly Order[]; onOpen: (orderId: string) => void }) {
  const { timeZone } = useWorkspace();
  return (
    <TableTbody>
      {orders.map(({ id, lines, origin, createdAt, status, total }) => (
        <TableTr key={id}>
          <TableTd>
            <Opener onOpen={() => onOpen(id)}>{lines.map(({ name }) => name).join(" + ")}</Opener>
            <Text size="xs" c="dimmed" hiddenFrom="xs">
              {formatDate(createdAt, timeZone)}
            </Text>
            {origin === "auto_top_up" && (
              <Text size="xs" c="dimmed">
                Auto top-up
              </Text>
            )}
          </TableTd>
          <TableTd visibleFrom="xs" style={{ whiteSpace: "nowrap" }}>
            {formatDate(createdAt, timeZone)}
          </TableTd>
          <TableTd>
            <OrderBadge status={status} />
          </TableTd>
          <TableTd ta="right" className="figures">
            {formatMoney(total)}
          </TableTd>
        </TableTr>
      ))}
    </TableTbody>
  );
}
