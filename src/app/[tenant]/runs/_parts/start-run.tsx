"use client";

import { Button, Group, NumberInput, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { notifications } from "@mantine/notifications";
import { IconPlayerPlay } from "@tabler/icons-react";
import { useMutation, useSuspenseQuery } from "@tanstack/react-query";
import { FailureAlert } from "@/components/failure-alert";
import { formatDateTime, formatUnits } from "@/components/format";
import { Section } from "@/components/section";
import { UsageBar } from "@/components/usage-bar";
import { useTRPC } from "@/trpc/client";
import { denialOf } from "../../_parts/denial";
import { UpgradePrompt } from "../../_parts/upgrade-prompt";
import { useAfterSpending } from "../../_parts/use-after-spending";
import { useWorkspace } from "../../_parts/workspace-context";

const MAX_COST = 100;

export function StartRun() {
  const trpc = useTRPC();
  const refresh = useAfterSpending("runs");
  const form = useForm({
    initialValues: { name: "Nightly build", computeUnits: 10 },
    validate: {
      name: (name) => (name.trim() ? null : "Give the run a name"),
      computeUnits: (cost) =>
        Number.isInteger(cost) && cost >= 1 && cost <= MAX_COST
          ? null
          : `A whole number from 1 to ${MAX_COST}`,
    },
  });
  const start = useMutation(
    trpc.runs.start.mutationOptions({
      onSuccess: async (run) => {
        notifications.show({
          title: `${run.name} started`,
          message: `${formatUnits(run.computeUnits, "unit")} of compute charged.`,
        });
        await refresh();
      },
    }),
  );
  return (
    <Section title="Start a run" description={<Remaining />}>
      <form onSubmit={form.onSubmit((run) => start.mutate(run))}>
        <Group align="flex-start" gap="md">
          <TextInput label="Name" maxLength={80} flex="1 1 220px" {...form.getInputProps("name")} />
          <NumberInput
            label="Cost in compute units"
            min={1}
            max={MAX_COST}
            allowDecimal={false}
            w={180}
            {...form.getInputProps("computeUnits")}
          />
          <Button
            type="submit"
            mt={25}
            loading={start.isPending}
            leftSection={<IconPlayerPlay size={16} aria-hidden />}
          >
            Start run
          </Button>
        </Group>
      </form>
      <Stack mt={start.error && !denialOf(start.error) ? "md" : 0}>
        {!denialOf(start.error) && <FailureAlert error={start.error} />}
      </Stack>
      <UpgradePrompt error={start.error} onClose={() => start.reset()} />
    </Section>
  );
}

function Remaining() {
  const trpc = useTRPC();
  const { timeZone } = useWorkspace();
  const { data } = useSuspenseQuery(trpc.quota.status.queryOptions());
  const compute = data.meters.find(({ feature }) => feature === "compute");
  if (!compute) return null;
  const credits = data.credits.available > 0 ? `, then ${formatUnits(data.credits.available, "credit")}` : "";
  return (
    <Stack mt="sm" maw={420}>
      <UsageBar
        name={compute.name}
        used={compute.used}
        limit={compute.limit}
        unit={compute.unit}
        note={
          compute.resetsAt
            ? `${formatUnits(compute.remaining ?? 0, compute.unit)} left until ${formatDateTime(compute.resetsAt, timeZone)}${credits}`
            : undefined
        }
      />
    </Stack>
  );
}
