"use client";

import { Code, Divider, Group, Modal, Stack, Text } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { formatDateTime } from "@/components/format";
import { QueryBoundary } from "@/components/query-boundary";
import { LinesSkeleton } from "@/components/skeletons";
import { formatMoney } from "@/lib/money";
import { useTRPC } from "@/trpc/client";
import { useWorkspace } from "../../_parts/workspace-context";
import { OrderBadge } from "./order-badge";

/** What one payment was for. Closed while `orderId` is null; the last one stays in sight while it closes. */
export function Receipt({ orderId, onClose }: { orderId: string | null; onClose: () => void }) {
  const [last, setLast] = useState(orderId);
  if (orderId !== null && orderId !== last) setLast(orderId);
  return (
    <Modal opened={orderId !== null} onClose={onClose} title={<Text fw={600}>Receipt</Text>}>
      {last !== null && (
        <QueryBoundary key={last} loading={<LinesSkeleton lines={4} />}>
          <Lines orderId={last} />
        </QueryBoundary>
      )}
    </Modal>
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
          <Amount key={line.name} name={line.name} note={noteOf(line)} amount={formatMoney(line.amount)} />
        ))}
        {tax.amountMinor > 0n && <Amount name="Tax" amount={formatMoney(tax)} />}
      </Stack>
      <Divider />
      <Amount name={paidAt ? "Paid" : "Total"} amount={formatMoney(total)} strong />
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

interface AmountProps {
  name: string;
  note?: string | null;
  amount: string;
  strong?: boolean;
}

function Amount({ name, note = null, amount, strong = false }: AmountProps) {
  return (
    <Group justify="space-between" align="flex-start" wrap="nowrap" gap="md">
      <Stack gap={0}>
        <Text size="sm" fw={strong ? 600 : 500}>
          {name}
        </Text>
        {note && (
          <Text size="xs" c="dimmed">
            {note}
          </Text>
        )}
      </Stack>
      <Text size="sm" fw={strong ? 600 : undefined} className="figures">
        {amount}
      </Text>
    </Group>
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
