"use client";

import { EmptyState, TableTbody, TableTd, TableTh, TableThead, TableTr, Text } from "@mantine/core";
import { IconReceipt } from "@tabler/icons-react";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { formatCount, formatDate, formatDateTime } from "@/components/format";
import { Opener } from "@/components/opener";
import { WideTable } from "@/components/wide-table";
import type { Outputs } from "@/server/root";
import { useTRPC } from "@/trpc/client";
import { ExplanationModal } from "../../_parts/explanation";
import { usePages } from "../../_parts/use-pages";
import { useWorkspace } from "../../_parts/workspace-context";
import { EVERYTHING, type Filter, HistoryFilter, isFiltered, queryOf } from "./history-filter";
import { ROWS_PER_PAGE } from "./inputs";
import { movementWords, signed } from "./movement-words";

type Page = Outputs["credits"]["history"];
type Movement = Page["rows"][number];

/** Every credit that came and went, with what was left after each. */
export function History() {
  const trpc = useTRPC();
  const [filter, setFilter] = useState<Filter>(EVERYTHING);
  const { cursor, restart, pager } = usePages();
  const { data } = useSuspenseQuery(
    trpc.credits.history.queryOptions({ ...queryOf(filter), limit: ROWS_PER_PAGE, cursor }),
  );
  return (
    <>
      <HistoryFilter filter={filter} onChange={(chosen) => restart(() => setFilter(chosen))} />
      {data.rows.length === 0 && data.broughtForward === null ? (
        <EmptyState
          mt="lg"
          icon={<IconReceipt size={36} stroke={1.4} />}
          title={isFiltered(filter) ? "Nothing of that kind" : "Nothing yet"}
          description={
            isFiltered(filter)
              ? "Another kind or other days may have some."
              : "Credits that come in or are spent are listed here, each with what was left after it."
          }
        />
      ) : (
        <Rows page={data} />
      )}
      {pager(data.nextCursor)}
    </>
  );
}

function Rows({ page }: { page: Page }) {
  const trpc = useTRPC();
  const { timeZone } = useWorkspace();
  const { data: offers } = useSuspenseQuery(trpc.billing.plans.queryOptions());
  const nameOf = new Map(offers.features.map(({ id, name }) => [id, name]));
  const [explained, setExplained] = useState<string | null>(null);
  return (
    <>
      <WideTable label="Credits that came and went" minWidth={300} highlightOnHover mt="xs">
        <TableThead>
          <TableTr>
            <TableTh>What</TableTh>
            <TableTh visibleFrom="xs">When</TableTh>
            <TableTh ta="right">Credits</TableTh>
            <TableTh ta="right">Left</TableTh>
          </TableTr>
        </TableThead>
        <TableTbody>
          {page.rows.map((row) => (
            <Row key={row.entryId} row={row} words={movementWords(row, nameOf)} onExplain={setExplained} />
          ))}
          {page.broughtForward && (
            <TableTr>
              <TableTd colSpan={2} c="dimmed">
                There on {formatDate(page.broughtForward.at, timeZone)}: older entries were archived
              </TableTd>
              <TableTd visibleFrom="xs" />
              <TableTd ta="right" className="figures">
                {formatCount(page.broughtForward.balance)}
              </TableTd>
            </TableTr>
          )}
        </TableTbody>
      </WideTable>
      <ExplanationModal entryId={explained} onClose={() => setExplained(null)} />
    </>
  );
}

interface RowProps {
  row: Movement;
  words: readonly [string, string];
  onExplain: (entryId: string) => void;
}

function Row({ row, words: [what, happened], onExplain }: RowProps) {
  const { timeZone } = useWorkspace();
  const when = formatDateTime(row.createdAt, timeZone);
  return (
    <TableTr>
      <TableTd>
        <Opener onOpen={() => onExplain(row.entryId)}>{what}</Opener>
        <Text size="xs" c="dimmed">
          {happened}
        </Text>
        <Text size="xs" c="dimmed" hiddenFrom="xs">
          {when}
        </Text>
      </TableTd>
      <TableTd visibleFrom="xs" style={{ whiteSpace: "nowrap" }}>
        {when}
      </TableTd>
      <TableTd ta="right" fw={500} className="figures">
        {signed(row.movement)}
      </TableTd>
      <TableTd ta="right" className="figures">
        {formatCount(row.balanceAfter)}
      </TableTd>
    </TableTr>
  );
}
