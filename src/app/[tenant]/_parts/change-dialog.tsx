"use client";

import { Alert, Button, Divider, Group, Modal, Stack, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { Interval } from "@/app/_parts/pricing/plan-price";
import { AmountLine } from "@/components/amount-line";
import { FailureAlert } from "@/components/failure-alert";
import { formatDate, formatPrice } from "@/components/format";
import { LinesSkeleton } from "@/components/skeletons";
import { formatMoney } from "@/lib/money";
import type { Outputs } from "@/server/root";
import { useTRPC } from "@/trpc/client";
import { LimitChanges } from "./limit-changes";
import { useBillingRefresh } from "./use-billing-refresh";
import { useWorkspace } from "./workspace-context";

type Preview = Outputs["billing"]["previewChange"];

interface ChangeDialogProps {
  plan: { id: string; name: string };
  interval: Interval;
  opened: boolean;
  onClose: () => void;
}

/** What another plan or interval costs now and later, and what it changes; confirmed here, for exactly that amount. */
export function ChangeDialog({ plan, interval, opened, onClose }: ChangeDialogProps) {
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={<Text fw={600}>{`Change to ${plan.name}, paid by the ${interval}`}</Text>}
      size="lg"
    >
      <Confirmation wish={{ plan: plan.id, interval }} onClose={onClose} />
    </Modal>
  );
}

interface ConfirmationProps {
  wish: { plan: string; interval: Interval };
  onClose: () => void;
}

function Confirmation({ wish, onClose }: ConfirmationProps) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const refresh = useBillingRefresh();
  // A preview is of one instant: it is asked for each time the dialog opens, and never behind the reader's back.
  const options = { gcTime: 0, staleTime: Number.POSITIVE_INFINITY, retry: false };
  const preview = useQuery(trpc.billing.previewChange.queryOptions(wish, options));
  const change = useMutation(
    trpc.billing.changePlan.mutationOptions({
      onSuccess: async ({ outcome }) => {
        await refresh();
        if (outcome !== "payment_needed") onClose();
      },
      onError: () => void queries.invalidateQueries(trpc.billing.previewChange.queryFilter(wish)),
    }),
  );
  if (change.data?.outcome === "payment_needed") return <PaymentNeeded change={change.data} />;
  if (preview.error)
    return <FailureAlert error={change.error ?? preview.error} retry={() => void preview.refetch()} />;
  if (!preview.data) return <LinesSkeleton lines={6} />;
  const { preview: name, timing, dueNow } = preview.data;
  return (
    <Stack gap="lg">
      <Summary preview={preview.data} />
      <LimitChanges changes={preview.data.limits} />
      <FailureAlert error={change.error} />
      <Group justify="flex-end" gap="sm">
        <Button variant="subtle" color="gray" onClick={onClose}>
          Not now
        </Button>
        <Button
          loading={change.isPending}
          disabled={preview.isFetching}
          onClick={() => change.mutate({ ...wish, preview: name })}
        >
          {buttonOf(timing, dueNow)}
        </Button>
      </Group>
    </Stack>
  );
}

function buttonOf(timing: Preview["timing"], dueNow: Preview["dueNow"]): string {
  if (timing === "period_end") return "Schedule the change";
  return dueNow.amountMinor > 0n ? `Pay ${formatMoney(dueNow)} and change` : "Change now";
}

function Summary({ preview }: { preview: Preview }) {
  const { timeZone } = useWorkspace();
  const { timing, dueNow, creditKept, discount, tax, lines, next, waiting, takesEffectAt, plan, seats } =
    preview;
  const forSeats = seats === null ? "" : `, for ${seats} ${seats === 1 ? "seat" : "seats"}`;
  const nextAt = formatDate(next.at, timeZone);
  if (timing === "period_end")
    return (
      <Text size="sm">
        Nothing to pay now. Everything stays as it is until {formatDate(takesEffectAt, timeZone)}; from then
        on it is {plan.name}
        {forSeats}, and {formatMoney(next.amount)} is charged that day
        {waiting.amountMinor > 0n && `, ${formatMoney(waiting)} of it for what was added until today`}. Until
        then you can undo it.
      </Text>
    );
  return (
    <Stack gap="sm">
      {lines.map(({ description, amount }) => (
        <AmountLine key={description} name={description} amount={formatMoney(amount)} />
      ))}
      {discount.amountMinor > 0n && (
        <AmountLine
          name="Discount"
          amount={formatMoney({ ...discount, amountMinor: -discount.amountMinor })}
        />
      )}
      {tax.amountMinor !== 0n && <AmountLine name="Tax" amount={formatMoney(tax)} />}
      {lines.length > 0 && <Divider />}
      <AmountLine name="To pay now" amount={formatMoney(dueNow)} strong />
      {creditKept.amountMinor > 0n && (
        <Text size="sm">
          {formatMoney(creditKept)} that you paid ahead is kept and pays for your next invoices.
        </Text>
      )}
      <Text size="sm" c="dimmed">
        The next invoice comes on {nextAt}: {formatPrice(formatMoney(next.amount))}
        {forSeats}.
      </Text>
    </Stack>
  );
}

function PaymentNeeded({ change }: { change: Outputs["billing"]["changePlan"] }) {
  const { reason, payUrl, total } = change;
  return (
    <Alert
      color="yellow"
      title={reason === "authentication" ? "Your bank wants you to confirm" : "Your card was declined"}
    >
      <Stack gap="md" align="flex-start">
        <Text size="sm">
          Nothing has changed yet, and nothing was charged. Pay {formatMoney(total)}, with another card if you
          like, and the change takes effect.
        </Text>
        {payUrl && (
          <Button component="a" href={payUrl}>
            Go to the payment
          </Button>
        )}
      </Stack>
    </Alert>
  );
}
