"use client";

import { Code, Divider, Group, Stack, Text } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { AmountLine } from "@/components/amount-line";
import { DetailModal } from "@/components/detail-modal";
import { formatDateTime } from "@/components/format";
import { formatMoney } from "@/lib/money";
import { useTRPC } from "@/trpc/client";
import { useWorkspace } from "../../_parts/workspace-context";
import { OrderBadge } from "./order-badge";

/** What one payment was for. */
export function Receipt({ orderId, onClose }: { orderId: string | null; onClose: () => void }) {
  return (
    <DetailModal title="Receipt" shownId={orderId} onClose={onClose}>
      {(id) => <Lines orderId={id} />}
    </DetailModal>
  );
}

function Lines({ orderId }: { orderId: string }) {
  const trpc = useTRPC();
  const { timeZone } = useWorkspace();
  const { data } = useSuspenseQuery(trpc.billing.order.queryOptions({ orderId }));
  const { lines, tax, total, status, paidAt, createdAt, paymentId, failedReason } = data;
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <Text size="sm" c="dimmed">
          {paidAt
            ? `Paid ${formatDateTime(paidAt, timeZone)}`
            : `Ordered ${formatDateTime(createdAt, timeZone)}`}
        </Text>
        <OrderBadge status={status} />
      </Group>
      <Stack gap={8}>
        {lines.map((line) => (
          <AmountLine
            key={line.name}
            name={line.name}
            note={noteOf(line)}
            amount={formatMoney(line.amount)}
          />
        ))}
        {tax.amountMinor > 0n && <AmountLine name="Tax" amount={formatMoney(tax)} />}
      </Stack>
      <Divider />
      <AmountLine name={paidAt ? "Paid" : "Total"} amount={formatMoney(total)} strong />
      {failedReason && <Text size="sm">{failedReason}</Text>}
      <Text size="xs" c="dimmed">
        Order <Code>{data.id}</Code>
        {paymentId && (
          <>
            , payment <Code>{paymentId}</Code>
          </>
        )}
      </Text>
    </Stack>
  );
}

function noteOf({
  kind,
  creditsExpireAfterDays: days,
}: {
  kind: string;
  creditsExpireAfterDays: number | null;
}) {
  if (kind !== "credits") return null;
  return days === null ? "Never expire" : `Expire after ${days} days`;
}
