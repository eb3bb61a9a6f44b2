"use client";

import { Button, Group, NumberInput, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { notifications } from "@mantine/notifications";
import { IconPlayerPlay } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { FailureAlert } from "@/components/failure-alert";
import { formatDateTime, formatUnits } from "@/components/format";
import { Section } from "@/components/section";
import { useTRPC } from "@/trpc/client";
import { UsageMeter } from "@/trpc/usage-meter";
import { useFeature, useQuota } from "@/trpc/use-quota";
import { denialOf } from "../../_parts/denial";
import { UpgradePrompt } from "../../_parts/upgrade-prompt";
import { useWorkspace } from "../../_parts/workspace-context";

const MAX_COST = 100;

export function StartRun() {
  const trpc = useTRPC();
  const queries = useQueryClient();
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
      onSuccess: (run) => {
        queries.setQueryData(trpc.runs.list.queryKey(), (known) => known && [run, ...known]);
        notifications.show({
          title: `${run.name} started`,
          message: `${formatUnits(run.computeUnits, "unit")} of compute charged.`,
        });
      },
    }),
  );
  const cost = form.values.computeUnits;
  const compute = useFeature("compute", cost >= 1 ? Math.floor(cost) : 1);
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
      {!compute.allowed && (
        <Text size="sm" c="dimmed" mt="xs">
          {compute.reason === "blocked" ? "This workspace is blocked." : "This is more than what is left."}
        </Text>
      )}
      <Stack mt={start.error && !denialOf(start.error) ? "md" : 0}>
        {!denialOf(start.error) && <FailureAlert error={start.error} />}
      </Stack>
      <UpgradePrompt error={start.error} onClose={() => start.reset()} />
    </Section>
  );
}

function Remaining() {
  const { timeZone } = useWorkspace();
  const { credits } = useQuota();
  const compute = useQuota("compute");
  if (!compute?.resetsAt) return <UsageMeter feature="compute" />;
  const left = formatUnits(compute.remaining ?? 0, compute.unit);
  const then = credits.available > 0 ? `, then ${formatUnits(credits.available, "credit")}` : "";
  return (
    <Stack mt="sm" maw={420}>
      <UsageMeter
        feature="compute"
        note={`${left} left until ${formatDateTime(compute.resetsAt, timeZone)}${then}`}
      />
    </Stack>
  );
}
