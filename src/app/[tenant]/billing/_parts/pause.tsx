"use client";

import { Alert, Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { FailureAlert } from "@/components/failure-alert";
import { formatDate } from "@/components/format";
import { formatMoney } from "@/lib/money";
import type { Outputs } from "@/server/root";
import { useTRPC } from "@/trpc/client";
import { useBillingRefresh } from "../../_parts/use-billing-refresh";
import { useWorkspace } from "../../_parts/workspace-context";

type Subscribed = NonNullable<Outputs["billing"]["subscription"]["subscription"]>;

/** Lets the subscription rest, where its plan may. */
export function Pause({ subscription }: { subscription: Subscribed }) {
  const { mayPay } = useWorkspace();
  const [opened, { open, close }] = useDisclosure();
  const { pauseDays, status, change } = subscription;
  if (!mayPay || pauseDays === null || status !== "active" || change) return null;
  return (
    <>
      <Button variant="default" size="sm" onClick={open}>
        Pause
      </Button>
      <Modal
        opened={opened}
        onClose={close}
        title={
          <Text component="span" fw={600}>
            Pause the subscription
          </Text>
        }
      >
        <PauseForm subscription={subscription} days={pauseDays} onClose={close} />
      </Modal>
    </>
  );
}

interface PauseFormProps {
  subscription: Subscribed;
  days: number;
  onClose: () => void;
}

function PauseForm({ subscription, days, onClose }: PauseFormProps) {
  const trpc = useTRPC();
  const { timeZone } = useWorkspace();
  const refresh = useBillingRefresh();
  const [until, setUntil] = useState("");
  const pause = useMutation(
    trpc.billing.pause.mutationOptions({
      onSuccess: async () => {
        await refresh();
        onClose();
      },
    }),
  );
  return (
    <Stack gap="md">
      <Text size="sm">
        Nothing is charged while it rests. Your plan works until{" "}
        {formatDate(subscription.currentPeriodEndsAt, timeZone)}, which is paid for; you can resume at any
        time.
      </Text>
      <TextInput
        type="date"
        label="Resume on"
        description={`Left empty: after ${days} days.`}
        value={until}
        onChange={(event) => setUntil(event.currentTarget.value)}
      />
      <FailureAlert error={pause.error} />
      <Group justify="flex-end" gap="sm">
        <Button variant="subtle" color="gray" onClick={onClose}>
          Keep it running
        </Button>
        <Button
          loading={pause.isPending}
          onClick={() => pause.mutate(until ? { until: new Date(until) } : {})}
        >
          Pause
        </Button>
      </Group>
    </Stack>
  );
}

/** What a pause means now, and the way out of it. */
export function Paused({
  subscription,
  pause,
}: {
  subscription: Subscribed;
  pause: NonNullable<Subscribed["pause"]>;
}) {
  const trpc = useTRPC();
  const { timeZone, mayPay } = useWorkspace();
  const refresh = useBillingRefresh();
  const resume = useMutation(trpc.billing.resume.mutationOptions({ onSuccess: refresh }));
  const { paidUntil, isPaidFor, resumesAt } = pause;
  const { payUrl, price, interval } = subscription;
  const words =
    paidUntil && isPaidFor
      ? `The plan works until ${formatDate(paidUntil, timeZone)}. Resumed before that, nothing is charged.`
      : `Resuming begins a new ${interval} that day, for ${formatMoney(price)}.`;
  const byItself = resumesAt ? ` It resumes by itself on ${formatDate(resumesAt, timeZone)}.` : "";
  return (
    <Alert color="blue" title="The subscription is paused">
      <Stack gap="sm" align="flex-start">
        <Text size="sm">{payUrl ? "It is back as soon as its invoice is paid." : `${words}${byItself}`}</Text>
        {mayPay && payUrl && (
          <Button component="a" href={payUrl} size="xs">
            Pay the invoice
          </Button>
        )}
        {mayPay && !payUrl && (
          <Button size="xs" loading={resume.isPending} onClick={() => resume.mutate()}>
            Resume the subscription
          </Button>
        )}
        <FailureAlert error={resume.error} />
      </Stack>
    </Alert>
  );
}
