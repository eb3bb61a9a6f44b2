"use client";

import { ActionIcon, EmptyState, Group, Stack, Text } from "@mantine/core";
import { IconHash, IconTrash } from "@tabler/icons-react";
import { useMutation, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { FailureAlert } from "@/components/failure-alert";
import { formatDate } from "@/components/format";
import { Section } from "@/components/section";
import { useTRPC } from "@/trpc/client";
import { useWorkspace } from "../../_parts/workspace-context";
import classes from "./channel-list.module.css";

export function ChannelList() {
  const trpc = useTRPC();
  const { timeZone } = useWorkspace();
  const queries = useQueryClient();
  const { data: channels } = useSuspenseQuery(trpc.channels.list.queryOptions());
  const remove = useMutation(
    trpc.channels.remove.mutationOptions({
      onSuccess: ({ id }) =>
        queries.setQueryData(trpc.channels.list.queryKey(), (known) => known?.filter((one) => one.id !== id)),
      // Gone already, in another tab perhaps: the list here is out of date.
      onError: () => queries.invalidateQueries(trpc.channels.list.queryFilter()),
    }),
  );
  return (
    <Section title="Channels">
      <FailureAlert error={remove.error} />
      {channels.length === 0 && (
        <EmptyState
          icon={<IconHash size={36} stroke={1.4} />}
          title="No channels yet"
          description="Create the first one above."
        />
      )}
      <Stack gap={0} component="ul" className={classes.list}>
        {channels.map(({ id, name, createdAt }) => (
          <Group key={id} component="li" className={classes.item} wrap="nowrap">
            <IconHash size={18} aria-hidden />
            <Text fw={500} size="sm" flex={1} truncate>
              {name}
            </Text>
            <Text size="sm" c="dimmed">
              {formatDate(createdAt, timeZone)}
            </Text>
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={`Remove ${name}`}
              loading={remove.isPending && remove.variables.id === id}
              onClick={() => remove.mutate({ id })}
            >
              <IconTrash size={17} />
            </ActionIcon>
          </Group>
        ))}
      </Stack>
    </Section>
  );
}
