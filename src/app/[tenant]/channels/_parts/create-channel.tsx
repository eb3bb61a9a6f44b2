"use client";

import { Button, Group, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconPlus } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { FailureAlert } from "@/components/failure-alert";
import { Section } from "@/components/section";
import { useTRPC } from "@/trpc/client";
import { UsageMeter } from "@/trpc/usage-meter";
import { denialOf } from "../../_parts/denial";
import { UpgradePrompt } from "../../_parts/upgrade-prompt";

export function CreateChannel() {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const form = useForm({
    initialValues: { name: "" },
    validate: { name: (name) => (name.trim() ? null : "Give the channel a name") },
  });
  const create = useMutation(
    trpc.channels.create.mutationOptions({
      onSuccess: (channel) => {
        form.reset();
        queries.setQueryData(trpc.channels.list.queryKey(), (known) => known && [...known, channel]);
      },
    }),
  );
  return (
    <Section
      title="New channel"
      description={
        <Stack mt="sm" maw={420}>
          <UsageMeter feature="channels" />
        </Stack>
      }
    >
      <form onSubmit={form.onSubmit((channel) => create.mutate(channel))}>
        <Group align="flex-start" gap="md">
          <TextInput
            label="Name"
            placeholder="general"
            maxLength={80}
            flex="1 1 220px"
            {...form.getInputProps("name")}
          />
          <Button
            type="submit"
            mt={25}
            loading={create.isPending}
            leftSection={<IconPlus size={16} aria-hidden />}
          >
            Create channel
          </Button>
        </Group>
      </form>
      {!denialOf(create.error) && <FailureAlert error={create.error} />}
      <UpgradePrompt error={create.error} onClose={() => create.reset()} />
    </Section>
  );
}
