"use client";

import { Anchor, EmptyState, TableTbody, TableTd, TableTh, TableThead, TableTr, Text } from "@mantine/core";
import { IconShoppingBag } from "@tabler/icons-react";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useState, useTransition } from "react";
import { formatDate } from "@/components/format";
import { WideTable } from "@/components/wide-table";
import { formatMoney } from "@/lib/money";
import type { Outputs } from "@/server/root";
import { useTRPC } from "@/trpc/client";
import { Pager } from "../../_parts/pager";
import { useWorkspace } from "../../_parts/workspace-context";
import { ORDERS_PER_PAGE } from "./inputs";
import { OrderBadge } from "./order-badge";
import { Receipt } from "./receipt";

type Order = Outputs["billing"]["orders"]["orders"][number];

/** What was bought, newest first. `shown`: whose receipt is open from the start. */
export function Orders({ shown }: { shown: string | null }) {
  const trpc = useTRPC();
  const [passed, setPassed] = useState<string[]>([]);
  const [turning, startTurning] = useTransition();
  const [open, setOpen] = useState<string | null>(shown);
  const { data } = useSuspenseQuery(
    trpc.billing.orders.queryOptions({ limit: ORDERS_PER_PAGE, cursor: passed.at(-1) }),
  );
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
      <Pager
        passed={passed}
        nextCursor={data.next}
        turning={turning}
        onTurn={(pages) => startTurning(() => setPassed(pages))}
      />
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
            <Anchor
              component="button"
              type="button"
              size="sm"
              fw={500}
              c="inherit"
              ta="left"
              underline="always"
              onClick={() => onOpen(id)}
            >
              {lines.map(({ name }) => name).join(" + ")}
            </Anchor>
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
