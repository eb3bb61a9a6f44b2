"use client";

import { Button, EmptyState } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconKey, IconPlus } from "@tabler/icons-react";
import { useSuspenseQuery } from "@tanstack/react-query";
import { Section } from "@/components/section";
import { useTRPC } from "@/trpc/client";
import { KeyTable } from "./key-table";
import { NewKey } from "./new-key";

export function ApiKeys() {
  const trpc = useTRPC();
  const { data: keys } = useSuspenseQuery(trpc.accounts.apiKeys.list.queryOptions());
  const [opened, { open, close }] = useDisclosure();
  return (
    <Section
      title="API keys"
      description="A key acts for this workspace: it may ask the gate, use what is left and read usage, and nothing else."
      actions={
        <Button size="sm" leftSection={<IconPlus size={16} aria-hidden />} onClick={open}>
          New key
        </Button>
      }
    >
      {keys.length === 0 ? (
        <EmptyState
          icon={<IconKey size={36} stroke={1.4} />}
          title="No keys yet"
          description="Make one to call the gate from your own programs."
        />
      ) : (
        <KeyTable keys={keys} />
      )}
      <NewKey opened={opened} onClose={close} />
    </Section>
  );
}
