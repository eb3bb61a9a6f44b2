"use client";

import { Card, EmptyState, TableTbody, TableTd, TableTh, TableThead, TableTr } from "@mantine/core";
import { IconCoins } from "@tabler/icons-react";
import { formatCount, formatDate } from "@/components/format";
import { WideTable } from "@/components/wide-table";
import type { Outputs } from "@/server/root";
import { useWorkspace } from "../../_parts/workspace-context";
import { kindWords } from "./movement-words";

type Lot = Outputs["credits"]["balance"]["lots"][number];

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
      <WideTable label="Credits by lot" minWidth={300} horizontalSpacing="lg">
        <TableThead>
          <TableTr>
            <TableTh>Spent in order</TableTh>
            <TableTh visibleFrom="xs">Since</TableTh>
            <TableTh>Expires</TableTh>
            <TableTh ta="right">Left</TableTh>
          </TableTr>
        </TableThead>
        <TableTbody>
          {lots.map((lot) => (
            <TableTr key={lot.lotId}>
              <TableTd fw={500}>{kindWords(lot.kind)}</TableTd>
              <TableTd visibleFrom="xs">{formatDate(lot.startsAt, timeZone)}</TableTd>
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
