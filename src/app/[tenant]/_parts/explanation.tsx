"use client";

import { Button, Code, Group, Modal, Stack, Text } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { FactList } from "@/components/fact-list";
import { QueryBoundary } from "@/components/query-boundary";
import { LinesSkeleton } from "@/components/skeletons";
import { useTRPC } from "@/trpc/client";
import { operationWords } from "./entry-words";

/** Why an entry is what it is. Closed while `entryId` is null; the last one stays in sight while it closes. */
export function ExplanationModal({ entryId, onClose }: { entryId: string | null; onClose: () => void }) {
  const [last, setLast] = useState(entryId);
  if (entryId !== null && entryId !== last) setLast(entryId);
  return (
    <Modal opened={entryId !== null} onClose={onClose} title={<Text fw={600}>Why this entry</Text>} size="lg">
      {last !== null && (
        <QueryBoundary key={last} loading={<LinesSkeleton lines={5} />}>
          <Explanation entryId={last} onOpen={setLast} />
        </QueryBoundary>
      )}
    </Modal>
  );
}

function Explanation({ entryId, onOpen }: { entryId: string; onOpen: (entryId: string) => void }) {
  const trpc = useTRPC();
  const { data } = useSuspenseQuery(trpc.quota.explain.queryOptions({ entryId }));
  const [headline, ...facts] = data.sentences;
  const others = data.chain.filter((link) => link.entryId !== data.entryId);
  return (
    <Stack gap="md">
      <Text fw={550}>{headline}</Text>
      <FactList facts={facts} />
      {others.length > 0 && (
        <Group gap="xs">
          {others.map((link) => (
            <Button key={link.entryId} size="xs" variant="default" onClick={() => onOpen(link.entryId)}>
              {operationWords(link.operation)}
            </Button>
          ))}
        </Group>
      )}
      <Text size="xs" c="dimmed">
        Entry <Code>{data.entryId}</Code>
      </Text>
    </Stack>
  );
}
