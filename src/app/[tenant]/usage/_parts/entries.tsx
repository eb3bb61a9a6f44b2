"use client";

import { EmptyState, TableTbody, TableTd, TableTh, TableThead, TableTr, Text } from "@mantine/core";
import { IconReceipt } from "@tabler/icons-react";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { formatDateTime } from "@/components/format";
import { Opener } from "@/components/opener";
import { Section } from "@/components/section";
import { WideTable } from "@/components/wide-table";
import type { FeatureOffer } from "@/server/orders/offers";
import type { Outputs } from "@/server/root";
import { useTRPC } from "@/trpc/client";
import { actorWords, operationWords, paidFrom, signedUnits } from "../../_parts/entry-words";
import { ExplanationModal } from "../../_parts/explanation";
import { usePages } from "../../_parts/use-pages";
import { useWorkspace } from "../../_parts/workspace-context";
import { ENTRIES_PER_PAGE } from "./inputs";

type Entry = Outputs["credits"]["ledger"]["entries"][number];

export function Entries() {
  const trpc = useTRPC();
  const { cursor, pager } = usePages();
  const { data } = useSuspenseQuery(trpc.credits.ledger.queryOptions({ limit: ENTRIES_PER_PAGE, cursor }));
  const { entries, nextCursor } = data;
  return (
    <Section
      title="Ledger"
      description="Every entry, newest first. Nothing here is ever changed or removed. Open one to see why it is what it is."
    >
      {entries.length === 0 ? (
        <EmptyState
          icon={<IconReceipt size={36} stroke={1.4} />}
          title="No entries yet"
          description="The first run, channel or API call writes one."
        />
      ) : (
        <EntriesTable entries={entries} />
      )}
      {pager(nextCursor)}
    </Section>
  );
}

function EntriesTable({ entries }: { entries: Entry[] }) {
  const trpc = useTRPC();
  const { data: offers } = useSuspenseQuery(trpc.billing.plans.queryOptions());
  const featureOf = new Map(offers.features.map((feature) => [feature.id, feature]));
  const [explained, setExplained] = useState<string | null>(null);
  return (
    <>
      <WideTable label="Ledger entries" minWidth={640} highlightOnHover>
        <TableThead>
          <TableTr>
            <TableTh>What</TableTh>
            <TableTh ta="right">Units</TableTh>
            <TableTh>When</TableTh>
            <TableTh>Paid from</TableTh>
            <TableTh>By</TableTh>
          </TableTr>
        </TableThead>
        <TableTbody>
          {entries.map((entry) => (
            <EntryRow
              key={entry.id}
              entry={entry}
              feature={featureOf.get(entry.feature)}
              onExplain={setExplained}
            />
          ))}
        </TableTbody>
      </WideTable>
      <ExplanationModal entryId={explained} onClose={() => setExplained(null)} />
    </>
  );
}

interface EntryRowProps {
  entry: Entry;
  feature: FeatureOffer | undefined;
  onExplain: (entryId: string) => void;
}

function EntryRow({ entry, feature, onExplain }: EntryRowProps) {
  const { timeZone } = useWorkspace();
  return (
    <TableTr>
      <TableTd>
        <Opener onOpen={() => onExplain(entry.id)}>
          {feature?.name ?? (entry.feature === "credits" ? "Credits" : entry.feature)}
        </Opener>
        <Text size="xs" c="dimmed">
          {operationWords(entry.operation)}
        </Text>
      </TableTd>
      <TableTd ta="right">{signedUnits(entry, feature?.unit ?? "unit")}</TableTd>
      <TableTd style={{ whiteSpace: "nowrap" }}>{formatDateTime(entry.createdAt, timeZone)}</TableTd>
      <TableTd>{paidFrom(entry)}</TableTd>
      <TableTd>{actorWords(entry.actor)}</TableTd>
    </TableTr>
  );
}
