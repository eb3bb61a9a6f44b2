"use client";

import { Alert, Badge, Button, Group, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useMutation, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { FailureAlert } from "@/components/failure-alert";
import { formatCount, formatDate, formatDateTime, formatPrice, formatUnits } from "@/components/format";
import { Section } from "@/components/section";
import { formatMoney } from "@/lib/money";
import type { Outputs } from "@/server/root";
import { useTRPC } from "@/trpc/client";
import { useWorkspace } from "../../_parts/workspace-context";
import { AutoTopUpForm } from "./auto-top-up-form";

type View = Outputs["billing"]["autoTopUp"];

const STATES = { on: ["fern", "On"], off: ["gray", "Off"], stopped: ["red", "Stopped"] } as const;

/** Credits that buy themselves: what was agreed to, how it stands, and the way to change it. */
export function AutoTopUp() {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const { mayPay } = useWorkspace();
  const { data } = useSuspenseQuery(trpc.billing.autoTopUp.queryOptions());
  const [editing, { open, close }] = useDisclosure();
  const turnOff = useMutation(
    trpc.billing.setAutoTopUp.mutationOptions({
      onSuccess: () => queries.invalidateQueries(trpc.billing.autoTopUp.queryFilter()),
    }),
  );
  const [color, label] = STATES[data.state];
  return (
    <Section
      title="Auto top-up"
      description="Buys a pack when credits run low."
      actions={<Badge color={color}>{label}</Badge>}
    >
      <Stack gap="md">
        {data.stopped && <Stopped stopped={data.stopped} />}
        {data.settings && data.state !== "off" && <Agreed view={data} settings={data.settings} />}
        <FailureAlert error={turnOff.error} />
        <Group gap="sm">
          <Button variant="default" disabled={!mayPay} onClick={open}>
            {data.state === "on" ? "Change" : "Turn on"}
          </Button>
          {data.state !== "off" && (
            <Button
              variant="subtle"
              color="gray"
              disabled={!mayPay}
              loading={turnOff.isPending}
              onClick={() => turnOff.mutate({ enabled: false })}
            >
              Turn off
            </Button>
          )}
        </Group>
      </Stack>
      <AutoTopUpForm view={data} opened={editing} onClose={close} />
    </Section>
  );
}

function Stopped({ stopped }: { stopped: NonNullable<View["stopped"]> }) {
  const { timeZone } = useWorkspace();
  return (
    <Alert
      color="red"
      icon={<IconAlertTriangle size={18} />}
      title={`Stopped on ${formatDateTime(stopped.at, timeZone)}`}
      role="alert"
    >
      <Text size="sm">
        {stopped.message || "The card could not be charged."} Nothing more is bought until you turn it on
        again.
      </Text>
      <Button component="a" href={stopped.payUrl} size="xs" variant="default" mt="sm">
        Pay by hand
      </Button>
    </Alert>
  );
}

const WAITING = {
  in_flight: "A payment is under way.",
  cap: "This month's limit is reached.",
  debt: "Nothing is bought by itself while credits are owed.",
  past_due: "Nothing is bought by itself until the plan is paid.",
} as const;

interface AgreedProps {
  view: View;
  settings: NonNullable<View["settings"]>;
}

function Agreed({ view, settings }: AgreedProps) {
  const { timeZone } = useWorkspace();
  const { threshold, credits, price, monthlyCap } = settings;
  const money = (amount: typeof price) => formatPrice(formatMoney(amount));
  return (
    <Stack gap={4}>
      <Text size="sm">
        Below {formatUnits(threshold, "credit")}, {formatCount(credits)} more are bought for {money(price)}
        {view.card &&
          ` with the ${view.card.brand} card${view.card.last4 ? ` ending in ${view.card.last4}` : ""}`}
        .
      </Text>
      <Text size="sm" c="dimmed">
        {money(view.spentThisMonth)} of at most {money(monthlyCap)} this month; starts anew{" "}
        {formatDate(view.capResetsAt, timeZone)}.
      </Text>
      {view.waiting && <Text size="sm">{WAITING[view.waiting]}</Text>}
    </Stack>
  );
}
