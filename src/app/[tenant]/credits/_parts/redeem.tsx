"use client";

import { Alert, Button, Group, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconGift } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { FailureAlert } from "@/components/failure-alert";
import { formatCount } from "@/components/format";
import { Section } from "@/components/section";
import { useTRPC } from "@/trpc/client";
import { useWorkspace } from "../../_parts/workspace-context";

/** A code that somebody was given, for credits. */
export function Redeem() {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const { mayPay } = useWorkspace();
  const form = useForm({
    initialValues: { code: "" },
    validate: { code: (code) => (code.trim() ? null : "Type the code") },
  });
  const redeem = useMutation(
    trpc.credits.redeem.mutationOptions({
      onSuccess: () => {
        form.reset();
        return queries.invalidateQueries(trpc.credits.pathFilter());
      },
    }),
  );
  return (
    <Section title="Redeem a code" description="For credits that you were given.">
      <form onSubmit={form.onSubmit(({ code }) => redeem.mutate({ code: code.trim() }))}>
        <Stack gap="sm">
          <Group align="flex-start" gap="sm" wrap="nowrap">
            <TextInput
              flex={1}
              aria-label="Code"
              placeholder="WELCOME-25"
              maxLength={64}
              autoComplete="off"
              disabled={!mayPay}
              {...form.getInputProps("code")}
            />
            <Button type="submit" variant="default" disabled={!mayPay} loading={redeem.isPending}>
              Redeem
            </Button>
          </Group>
          {redeem.data && (
            <Alert color="fern" icon={<IconGift size={18} />} role="status">
              {formatCount(redeem.data.credits)} credits were added.
            </Alert>
          )}
          <FailureAlert error={redeem.error} />
        </Stack>
      </form>
    </Section>
  );
}
