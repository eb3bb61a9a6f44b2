"use client";

import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { CopyBlock } from "@/components/copy-block";
import { FailureAlert } from "@/components/failure-alert";
import { useTRPC } from "@/trpc/client";

/** Asks for a name, then shows the key: this once, and never again. */
export function NewKey({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const create = useMutation(
    trpc.accounts.apiKeys.create.mutationOptions({
      onSuccess: () => queries.invalidateQueries(trpc.accounts.apiKeys.pathFilter()),
    }),
  );
  const made = create.data?.key;
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      onExitTransitionEnd={() => create.reset()}
      closeOnClickOutside={!made}
      title={<Text fw={600}>{made ? "Copy the key now" : "New API key"}</Text>}
    >
      {made ? (
        <Stack gap="md">
          <Text size="sm">This is the only time it is shown. We keep a fingerprint of it, not the key.</Text>
          <CopyBlock text={made} label="Key" />
          <Button onClick={onClose}>I have copied it</Button>
        </Stack>
      ) : (
        <NameForm
          busy={create.isPending}
          error={create.error}
          onCancel={onClose}
          onName={(name) => create.mutate({ name })}
        />
      )}
    </Modal>
  );
}

interface NameFormProps {
  busy: boolean;
  error: unknown;
  onCancel: () => void;
  onName: (name: string) => void;
}

function NameForm({ busy, error, onCancel, onName }: NameFormProps) {
  const form = useForm({
    initialValues: { name: "" },
    validate: { name: (name) => (name.trim() ? null : "Give the key a name") },
  });
  return (
    <form onSubmit={form.onSubmit(({ name }) => onName(name))}>
      <Stack gap="md">
        <TextInput
          label="Name"
          description="Where it will be used, such as the name of a service."
          placeholder="production"
          maxLength={80}
          data-autofocus
          {...form.getInputProps("name")}
        />
        <FailureAlert error={error} />
        <Group justify="flex-end">
          <Button variant="subtle" color="gray" onClick={onCancel}>
            Cancel
          </Button>
          <Button type="submit" loading={busy}>
            Create key
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
