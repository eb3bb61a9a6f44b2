"use client";

import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { FailureAlert } from "@/components/failure-alert";
import { formatDate, formatDateTime } from "@/components/format";
import type { Outputs } from "@/server/root";
import { useTRPC } from "@/trpc/client";
import { useBillingRefresh } from "../../_parts/use-billing-refresh";
import { useWorkspace } from "../../_parts/workspace-context";
import { Paused } from "./pause";

type Subscribed = NonNullable<Outputs["billing"]["subscription"]["subscription"]>;
type Change = NonNullable<Subscribed["change"]>;

/** What is to come of a subscription, each with what can be done about it. */
export function SubscriptionNotices({ subscription }: { subscription: Subscribed }) {
  const { cancelAt, change, pause, payUrl } = subscription;
  return (
    <>
      {pause && <Paused subscription={subscription} pause={pause} />}
      {cancelAt && <Ending at={cancelAt} />}
      {change?.kind === "scheduled" && <Scheduled change={change} />}
      {change?.kind === "payment_needed" && <WaitsForPayment change={change} payUrl={payUrl} />}
    </>
  );
}

function Ending({ at }: { at: Date }) {
  const trpc = useTRPC();
  const { timeZone, mayPay } = useWorkspace();
  const refresh = useBillingRefresh();
  const resume = useMutation(trpc.billing.resume.mutationOptions({ onSuccess: refresh }));
  return (
    <Alert color="yellow" title={`The subscription ends ${formatDate(at, timeZone)}`}>
      <Stack gap="sm" align="flex-start">
        <Text size="sm">The plan works until then. You can resume it as if nothing had happened.</Text>
        {mayPay && (
          <Button size="xs" loading={resume.isPending} onClick={() => resume.mutate()}>
            Resume the subscription
          </Button>
        )}
        <FailureAlert error={resume.error} />
      </Stack>
    </Alert>
  );
}

function Scheduled({ change }: { change: Change }) {
  const { timeZone } = useWorkspace();
  const name = change.plan?.name ?? "Another plan";
  return (
    <Alert
      color="blue"
      title={`${name}, paid by the ${change.interval}, from ${formatDate(change.at, timeZone)}`}
    >
      <Stack gap="sm" align="flex-start">
        <Text size="sm">Until then everything stays as it is.</Text>
        <Undo label="Undo the change" />
      </Stack>
    </Alert>
  );
}

function WaitsForPayment({ change, payUrl }: { change: Change; payUrl: string | null }) {
  const { timeZone, mayPay } = useWorkspace();
  return (
    <Alert color="yellow" title={`${change.plan?.name ?? "Another plan"} waits for its payment`}>
      <Stack gap="sm" align="flex-start">
        <Text size="sm">
          Nothing has changed yet. Unless it is paid by {formatDateTime(change.at, timeZone)}, nothing will.
        </Text>
        <Group gap="xs">
          {payUrl && mayPay && (
            <Button component="a" href={payUrl} size="xs">
              Go to the payment
            </Button>
          )}
          <Undo label="Forget it" />
        </Group>
      </Stack>
    </Alert>
  );
}

function Undo({ label }: { label: string }) {
  const trpc = useTRPC();
  const { mayPay } = useWorkspace();
  const refresh = useBillingRefresh();
  const undo = useMutation(trpc.billing.undoChange.mutationOptions({ onSuccess: refresh }));
  if (!mayPay) return null;
  return (
    <>
      <Button size="xs" variant="default" loading={undo.isPending} onClick={() => undo.mutate()}>
        {label}
      </Button>
      <FailureAlert error={undo.error} />
    </>
  );
}
