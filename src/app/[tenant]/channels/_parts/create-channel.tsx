"use client";

import { Button, Group, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconPlus } from "@tabler/icons-react";
import { useMutation, useSuspenseQuery } from "@tanstack/react-query";
import { FailureAlert } from "@/components/failure-alert";
import { Section } from "@/components/section";
import { UsageBar } from "@/components/usage-bar";
import { useTRPC } from "@/trpc/client";
import { denialOf } from "../../_parts/denial";
import { UpgradePrompt } from "../../_parts/upgrade-prompt";
import { useAfterSpending } from "../../_parts/use-after-spending";

export function CreateChannel() {
  const trpc = useTRPC();
  const refresh = useAfterSpending("channels");
  const form = useForm({
    initialValues: { name: "" },
    validate: { name: (name) => (name.trim() ? null : "Give the channel a name") },
  });
  const create = useMutation(
    trpc.channels.create.mutationOptions({
      onSuccess: async () => {
        form.reset();
        await refresh();
      },
    }),
  );
  return (
    <Section title="New channel" description={<Places />}>
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

function Places() {
  const trpc = useTRPC();
  const { data } = useSuspenseQuery(trpc.quota.status.queryOptions());
  const places = data.meters.find(({ feature }) => feature === "channels");
  if (!places) return null;
  return (
    <Stack mt="sm" maw={420}>
      <UsageBar name={places.name} used={places.used} limit={places.limit} unit={places.unit} />
    </Stack>
  );
}
