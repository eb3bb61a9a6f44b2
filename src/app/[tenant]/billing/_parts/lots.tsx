"use client";

import { Card, EmptyState, TableTbody, TableTd, TableTh, TableThead, TableTr } from "@mantine/core";
import { IconCoins } from "@tabler/icons-react";
import { formatCount, formatDate } from "@/components/format";
import { WideTable } from "@/components/wide-table";
import type { Outputs } from "@/server/root";
import { useWorkspace } from "../../_parts/workspace-context";

type Lot = Outputs["credits"]["balance"]["lots"][number];

const KINDS: Record<string, string> = {
  replenish: "Refill",
  trial: "Trial",
  promo: "Gift",
  compensation: "Compensation",
  adjustment: "Adjustment",
  purchase: "Bought",
};

/** Where the credits come from, in the order in which they are spent. */
export function Lots({ lots }: { lots: Lot[] }) {
  const { timeZone } = useWorkspace();
  if (lots.length === 0) {
    return (
      <Card>
        <EmptyState
          icon={<IconCoins size={36} stroke={1.4} />}
          title="No credits"
          description="Buy a pack, and it is listed here with what is left of it."
        />
      </Card>
    );
  }
  return (
    <Card padding={0}>
      <WideTable label="Credits by lot" minWidth={460} horizontalSpacing="lg">
        <TableThead>
          <TableTr>
            <TableTh>Spent in this order</TableTh>
            <TableTh>Since</TableTh>
            <TableTh>Expires</TableTh>
            <TableTh ta="right">Left</TableTh>
          </TableTr>
        </TableThead>
        <TableTbody>
          {lots.map((lot) => (
            <TableTr key={lot.lotId}>
              <TableTd fw={500}>{KINDS[lot.kind] ?? lot.kind}</TableTd>
              <TableTd>{formatDate(lot.startsAt, timeZone)}</TableTd>
              <TableTd>{lot.expiresAt ? formatDate(lot.expiresAt, timeZone) : "Never"}</TableTd>
              <TableTd ta="right">
                {formatCount(lot.remaining)} of {formatCount(lot.granted)}
              </TableTd>
            </TableTr>
          ))}
        </TableTbody>
      </WideTable>
    </Card>
  );
}
