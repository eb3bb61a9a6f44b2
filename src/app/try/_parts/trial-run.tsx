"use client";

import { Button, Group, NumberInput, Stack, Text } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconPlayerPlay } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { FailureAlert } from "@/components/failure-alert";
import { formatUnits } from "@/components/format";
import { Section } from "@/components/section";
import { useTRPC } from "@/trpc/client";

/** A stand-in for the product: a run that costs as many credits as one says. */
export function TrialRun({ remaining }: { remaining: number }) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const [attempt, setAttempt] = useState(newAttempt);
  const form = useForm({
    initialValues: { units: 5 },
    validate: { units: (units) => (Number.isInteger(units) && units >= 1 ? null : "A whole number from 1") },
  });
  const run = useMutation(
    trpc.trials.run.mutationOptions({
      onSuccess: () => setAttempt(newAttempt()),
      onSettled: () => queries.invalidateQueries(trpc.trials.standing.queryFilter()),
    }),
  );
  return (
    <Section
      title="Start a run"
      description="A stand-in for your product: each run costs credits of the trial, once however often it is sent."
    >
      <form onSubmit={form.onSubmit(({ units }) => run.mutate({ units, key: `${attempt}:${units}` }))}>
        <Group align="flex-start" gap="md">
          <NumberInput
            label="Cost in credits"
            min={1}
            max={1_000}
            allowDecimal={false}
            w={180}
            {...form.getInputProps("units")}
          />
          <Button
            type="submit"
            mt={25}
            loading={run.isPending}
            disabled={remaining === 0}
            leftSection={<IconPlayerPlay size={16} aria-hidden />}
          >
            Start run
          </Button>
        </Group>
      </form>
      <Stack mt={run.data || run.error ? "md" : 0}>
        {run.data && (
          <Text size="sm" role="status">
            {formatUnits(run.data.units, "credit")} spent, {formatUnits(run.data.remaining, "credit")} left.
          </Text>
        )}
        <FailureAlert error={run.error} />
      </Stack>
    </Section>
  );
}

/** Names one wish for a run, so that sending it again after a lost answer costs nothing. */
function newAttempt(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join("-");
}
