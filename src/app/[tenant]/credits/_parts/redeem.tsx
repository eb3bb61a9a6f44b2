"use client";

import { Alert, Button, Group, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconGift } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { FailureAlert } from "@/components/failure-alert";
import { formatDate, formatUnits } from "@/components/format";
import { Section } from "@/components/section";
import { useTRPC } from "@/trpc/client";
import { useWorkspace } from "../../_parts/workspace-context";

/** A code that somebody was given, for credits. */
export function Redeem() {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const { mayPay, timeZone } = useWorkspace();
  const form = useForm({
    initialValues: { code: "" },
    validate: { code: codeProblem },
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
              {formatUnits(redeem.data.credits, "credit")} added.
              {redeem.data.expiresAt && ` Spend them before ${formatDate(redeem.data.expiresAt, timeZone)}.`}
            </Alert>
          )}
          <FailureAlert error={redeem.error} />
        </Stack>
      </form>
    </Section>
  );
}

/** What is plainly no code need not be asked about: every try counts. */
function codeProblem(text: string): string | null {
  if (text.trim() === "") return "Type the code";
  return /^[A-Za-z0-9][A-Za-z0-9-]{3,63}$/.test(text.trim())
    ? null
    : "A code is 4 to 64 letters, digits and dashes";
}
