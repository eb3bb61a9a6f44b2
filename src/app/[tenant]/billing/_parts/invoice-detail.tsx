"use client";

import { Button, Divider, Group, Modal, Stack, Text } from "@mantine/core";
import { IconDownload, IconExternalLink } from "@tabler/icons-react";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { formatDate } from "@/components/format";
import { QueryBoundary } from "@/components/query-boundary";
import { LinesSkeleton } from "@/components/skeletons";
import { formatMoney, type Money } from "@/lib/money";
import { useTRPC } from "@/trpc/client";
import { useWorkspace } from "../../_parts/workspace-context";
import { InvoiceBadge } from "./invoice-badge";

/** One invoice. Closed while `invoiceId` is null; the last one stays in sight while it closes. */
export function InvoiceDetail({ invoiceId, onClose }: { invoiceId: string | null; onClose: () => void }) {
  const [last, setLast] = useState(invoiceId);
  if (invoiceId !== null && invoiceId !== last) setLast(invoiceId);
  return (
    <Modal opened={invoiceId !== null} onClose={onClose} title={<Text fw={600}>Invoice</Text>}>
      {last !== null && (
        <QueryBoundary key={last} loading={<LinesSkeleton lines={4} />}>
          <Lines invoiceId={last} />
        </QueryBoundary>
      )}
    </Modal>
  );
}

function Lines({ invoiceId }: { invoiceId: string }) {
  const trpc = useTRPC();
  const { timeZone } = useWorkspace();
  const { data } = useSuspenseQuery(trpc.billing.invoice.queryOptions({ invoiceId }));
  const { number, createdAt, status, lines, tax, discount, credited, total, due, refunds } = data;
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <Text size="sm" c="dimmed">
          {number ? `${number}, ` : ""}
          {formatDate(createdAt, timeZone)}
        </Text>
        <InvoiceBadge status={status} />
      </Group>
      {lines.map(({ description, amount, periodStartsAt }) => (
        <Amount key={`${description} ${periodStartsAt.getTime()}`} name={description} amount={amount} />
      ))}
      {discount.amountMinor > 0n && <Amount name="Discount" amount={negative(discount)} />}
      {tax.amountMinor > 0n && <Amount name="Tax" amount={tax} />}
      <Divider />
      <Amount name="Total" amount={total} strong />
      {due.amountMinor > 0n && <Amount name="Still to pay" amount={due} strong />}
      {credited.amountMinor > 0n && <Amount name="Credit notes" amount={negative(credited)} />}
      {refunds.map((refund) => (
        <Amount
          key={refund.id}
          name={`Refunded ${formatDate(refund.createdAt, timeZone)}${refund.status === "succeeded" ? "" : ` (${refund.status})`}`}
          amount={negative(refund.amount)}
        />
      ))}
      <Links hostedUrl={data.hostedUrl} pdfUrl={data.pdfUrl} isDue={due.amountMinor > 0n} />
    </Stack>
  );
}

const negative = ({ amountMinor, currency }: Money): Money => ({ amountMinor: -amountMinor, currency });

interface LinksProps {
  hostedUrl: string | null;
  pdfUrl: string | null;
  isDue: boolean;
}

function Links({ hostedUrl, pdfUrl, isDue }: LinksProps) {
  return (
    <Group justify="flex-end" gap="sm">
      {pdfUrl && (
        <Button
          component="a"
          href={pdfUrl}
          size="xs"
          variant="default"
          leftSection={<IconDownload size={15} aria-hidden />}
        >
          PDF
        </Button>
      )}
      {hostedUrl && (
        <Button
          component="a"
          href={hostedUrl}
          size="xs"
          variant={isDue ? "filled" : "default"}
          leftSection={<IconExternalLink size={15} aria-hidden />}
        >
          {isDue ? "Pay it" : "Open its page"}
        </Button>
      )}
    </Group>
  );
}

function Amount({ name, amount, strong = false }: { name: string; amount: Money; strong?: boolean }) {
  return (
    <Group justify="space-between" align="flex-start" wrap="nowrap" gap="md">
      <Text size="sm" fw={strong ? 600 : undefined}>
        {name}
      </Text>
      <Text size="sm" fw={strong ? 600 : undefined} className="figures">
        {formatMoney(amount)}
      </Text>
    </Group>
  );
}
