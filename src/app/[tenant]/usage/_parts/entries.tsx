"use client";

import {
  Button,
  EmptyState,
  Group,
  Table,
  TableScrollContainer,
  TableTbody,
  TableTd,
  TableTh,
  TableThead,
  TableTr,
  Text,
} from "@mantine/core";
import { IconReceipt } from "@tabler/icons-react";
import { useSuspenseInfiniteQuery, useSuspenseQuery } from "@tanstack/react-query";
import { formatDateTime } from "@/components/format";
import { Section } from "@/components/section";
import type { Outputs } from "@/server/root";
import { useTRPC } from "@/trpc/client";
import { useWorkspace } from "../../_parts/workspace-context";
import { actorWords, operationWords, paidFrom, signedUnits } from "./entry-words";
import { ENTRIES_INPUT } from "./inputs";

type Entry = Outputs["credits"]["history"]["entries"][number];

export function Entries() {
  const trpc = useTRPC();
  const { data, fetchNextPage, hasNextPage, isFetchingNextPage } = useSuspenseInfiniteQuery(
    trpc.credits.history.infiniteQueryOptions(ENTRIES_INPUT, {
      getNextPageParam: (page) => page.nextCursor,
    }),
  );
  const entries = data.pages.flatMap((page) => page.entries);
  return (
    <Section title="Ledger" description="Every entry, newest first. Nothing here is ever changed or removed.">
      {entries.length === 0 ? (
        <EmptyState
          icon={<IconReceipt size={36} stroke={1.4} />}
          title="No entries yet"
          description="The first run, channel or API call writes one."
        />
      ) : (
        <EntriesTable entries={entries} />
      )}
      {hasNextPage && (
        <Group justify="center" mt="md">
          <Button variant="default" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            Show more
          </Button>
        </Group>
      )}
    </Section>
  );
}

function EntriesTable({ entries }: { entries: Entry[] }) {
  const trpc = useTRPC();
  const { data: offers } = useSuspenseQuery(trpc.billing.plans.queryOptions());
  const featureOf = new Map(offers.features.map((feature) => [feature.id, feature]));
  return (
    <TableScrollContainer minWidth={640}>
      <Table verticalSpacing="sm" highlightOnHover>
        <TableThead>
          <TableTr>
            <TableTh>When</TableTh>
            <TableTh>What</TableTh>
            <TableTh ta="right">Units</TableTh>
            <TableTh>Paid from</TableTh>
            <TableTh>By</TableTh>
          </TableTr>
        </TableThead>
        <TableTbody>
          {entries.map((entry) => (
            <EntryRow key={entry.id} entry={entry} name={featureOf.get(entry.feature)?.name} />
          ))}
        </TableTbody>
      </Table>
    </TableScrollContainer>
  );
}

function EntryRow({ entry, name }: { entry: Entry; name: string | undefined }) {
  const { timeZone } = useWorkspace();
  return (
    <TableTr>
      <TableTd style={{ whiteSpace: "nowrap" }}>{formatDateTime(entry.createdAt, timeZone)}</TableTd>
      <TableTd>
        <Text size="sm" fw={500}>
          {name ?? (entry.feature === "credits" ? "Credits" : entry.feature)}
        </Text>
        <Text size="xs" c="dimmed">
          {operationWords(entry.operation)}
        </Text>
      </TableTd>
      <TableTd ta="right">{signedUnits(entry)}</TableTd>
      <TableTd>{paidFrom(entry)}</TableTd>
      <TableTd>{actorWords(entry.actor)}</TableTd>
    </TableTr>
  );
}
