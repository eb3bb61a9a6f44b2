"use client";

import { EmptyState, TableTbody, TableTd, TableTh, TableThead, TableTr } from "@mantine/core";
import { IconPlayerPlay } from "@tabler/icons-react";
import { useSuspenseQuery } from "@tanstack/react-query";
import { formatCount, formatDateTime } from "@/components/format";
import { Section } from "@/components/section";
import { WideTable } from "@/components/wide-table";
import { useTRPC } from "@/trpc/client";
import { useWorkspace } from "../../_parts/workspace-context";

export function RunList() {
  const trpc = useTRPC();
  const { timeZone } = useWorkspace();
  const { data: runs } = useSuspenseQuery(trpc.runs.list.queryOptions());
  return (
    <Section title="Latest runs">
      {runs.length === 0 ? (
        <EmptyState
          icon={<IconPlayerPlay size={36} stroke={1.4} />}
          title="No runs yet"
          description="Start one above: it appears here, and its cost in the usage."
        />
      ) : (
        <WideTable label="Latest runs" minWidth={420} highlightOnHover>
          <TableThead>
            <TableTr>
              <TableTh>Name</TableTh>
              <TableTh ta="right">Compute</TableTh>
              <TableTh ta="right">Started</TableTh>
            </TableTr>
          </TableThead>
          <TableTbody>
            {runs.map((run) => (
              <TableTr key={run.id}>
                <TableTd fw={500}>{run.name}</TableTd>
                <TableTd ta="right">{formatCount(run.computeUnits)}</TableTd>
                <TableTd ta="right">{formatDateTime(run.createdAt, timeZone)}</TableTd>
              </TableTr>
            ))}
          </TableTbody>
        </WideTable>
      )}
    </Section>
  );
}
