"use client";

import { Button, Code, Group, Stack, Text } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { DetailModal } from "@/components/detail-modal";
import { FactList } from "@/components/fact-list";
import { useTRPC } from "@/trpc/client";
import { operationWords } from "./entry-words";

/** Why an entry is what it is. */
export function ExplanationModal({ entryId, onClose }: { entryId: string | null; onClose: () => void }) {
  return (
    <DetailModal title="Why this entry" shownId={entryId} onClose={onClose} size="lg" lines={5}>
      {(id, show) => <Explanation entryId={id} onOpen={show} />}
    </DetailModal>
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
