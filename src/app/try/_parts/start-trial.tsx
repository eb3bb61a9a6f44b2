"use client";

import { Button, Stack, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { FailureAlert } from "@/components/failure-alert";
import { formatUnits } from "@/components/format";
import { Section } from "@/components/section";
import { useTRPC } from "@/trpc/client";

/** One button: what it gives is on the card. */
export function StartTrial({ credits }: { credits: number }) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const start = useMutation(
    trpc.trials.start.mutationOptions({
      onSuccess: (standing) => queries.setQueryData(trpc.trials.standing.queryKey(), standing),
    }),
  );
  return (
    <Section title={`${formatUnits(credits, "credit")} to try it with`}>
      <Stack gap="md" align="flex-start">
        <Text size="sm">Every run costs credits. See what they buy, and sign up when you like it.</Text>
        <Button onClick={() => start.mutate({})} loading={start.isPending}>
          Start without an account
        </Button>
        <FailureAlert error={start.error} />
      </Stack>
    </Section>
  );
}
