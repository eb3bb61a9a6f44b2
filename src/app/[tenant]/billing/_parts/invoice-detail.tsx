"use client";

import { Anchor, Button, Divider, Group, Stack, Text } from "@mantine/core";
import { IconDownload, IconExternalLink } from "@tabler/icons-react";
import { useSuspenseQuery } from "@tanstack/react-query";
import { AmountLine } from "@/components/amount-line";
import { DetailModal } from "@/components/detail-modal";
import { formatDate } from "@/components/format";
import { formatMoney, negative } from "@/lib/money";
import type { Outputs } from "@/server/root";
import { useTRPC } from "@/trpc/client";
import { useWorkspace } from "../../_parts/workspace-context";
import { reasonWords } from "./credit-words";
import { InvoiceBadge } from "./invoice-badge";

type Invoice = Outputs["billing"]["invoice"];

/** One invoice: its lines, what they come to, and what was given back of it. */

export function InvoiceDetail({ invoiceId, onClose }: { invoiceId: string | null; onClose: () => void }) {
  return (
    <DetailModal title="Invoice" shownId={invoiceId} onClose={onClose}>
      {(id) => <Lines invoiceId={id} />}
    </DetailModal>
  );
}

function Lines({ invoiceId }: { invoiceId: string }) {
  const trpc = useTRPC();
  const { timeZone } = useWorkspace();
  const { data } = useSuspenseQuery(trpc.billing.invoice.queryOptions({ invoiceId }));
  const { number, createdAt, dueAt, status, lines, tax, discount, total, due } = data;
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
        <AmountLine
          key={`${description} ${periodStartsAt.getTime()}`}
          name={description}
          amount={formatMoney(amount)}
        />
      ))}
      {discount.amountMinor > 0n && <AmountLine name="Discount" amount={formatMoney(negative(discount))} />}
      {tax.amountMinor > 0n && <AmountLine name="Tax" amount={formatMoney(tax)} />}
      <Divider />
      <AmountLine name="Total" amount={formatMoney(total)} strong />
      {due.amountMinor > 0n && (
        <AmountLine
          name="Still to pay"
          note={dueAt && `Due on ${formatDate(dueAt, timeZone)}`}
          amount={formatMoney(due)}
          strong
        />
      )}
      <GivenBack invoice={data} />
      <Links hostedUrl={data.hostedUrl} pdfUrl={data.pdfUrl} isDue={due.amountMinor > 0n} />
    </Stack>
  );
}

/** What was taken off afterwards; and what of it went back to the payer, in words: it is the same money. */
function GivenBack({ invoice: { creditNotes, refunds } }: { invoice: Invoice }) {
  const { timeZone } = useWorkspace();
  return (
    <>
      {creditNotes.map(({ id, number, amount, reason, createdAt, pdfUrl }) => (
        <AmountLine
          key={id}
          name={
            <>
              Credit note <Anchor href={pdfUrl}>{number}</Anchor>, {formatDate(createdAt, timeZone)}
            </>
          }
          note={reasonWords(reason)}
          amount={formatMoney(negative(amount))}
        />
      ))}
      {refunds.map(({ id, amount, status, createdAt }) => (
        <Text key={id} size="xs" c="dimmed">
          Refunded {formatDate(createdAt, timeZone)}: {formatMoney(amount)}
          {status === "succeeded" ? "" : ` (${status})`}
        </Text>
      ))}
    </>
  );
}

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
