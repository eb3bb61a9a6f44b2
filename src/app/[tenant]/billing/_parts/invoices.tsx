"use client";

import { Anchor, TableTbody, TableTd, TableTh, TableThead, TableTr, Text } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { formatDate } from "@/components/format";
import { Opener } from "@/components/opener";
import { Section } from "@/components/section";
import { WideTable } from "@/components/wide-table";
import { formatMoney, negative } from "@/lib/money";
import type { Outputs } from "@/server/root";
import { useTRPC } from "@/trpc/client";
import { usePages } from "../../_parts/use-pages";
import { useWorkspace } from "../../_parts/workspace-context";
import { reasonWords } from "./credit-words";
import { INVOICES_PER_PAGE } from "./inputs";
import { InvoiceBadge } from "./invoice-badge";
import { InvoiceDetail } from "./invoice-detail";

type Invoice = Outputs["billing"]["invoices"]["invoices"][number];

/** Every invoice of the subscription, newest first. */
export function Invoices() {
  const trpc = useTRPC();
  const { cursor, pager } = usePages();
  const [open, setOpen] = useState<string | null>(null);
  const { data } = useSuspenseQuery(trpc.billing.invoices.queryOptions({ limit: INVOICES_PER_PAGE, cursor }));
  return (
    <Section title="Invoices" description="What was charged, and what it was for.">
      {data.invoices.length === 0 ? (
        <Text size="sm" c="dimmed">
          There are no invoices yet.
        </Text>
      ) : (
        <Rows invoices={data.invoices} onOpen={setOpen} />
      )}
      {pager(data.next)}
      <InvoiceDetail invoiceId={open} onClose={() => setOpen(null)} />
    </Section>
  );
}

function Rows({ invoices, onOpen }: { invoices: readonly Invoice[]; onOpen: (invoiceId: string) => void }) {
  const { timeZone } = useWorkspace();
  return (
    <WideTable label="Invoices" minWidth={280} highlightOnHover>
      <TableThead>
        <TableTr>
          <TableTh>Invoice</TableTh>
          <TableTh>Date</TableTh>
          <TableTh visibleFrom="xs">State</TableTh>
          <TableTh ta="right">Total</TableTh>
        </TableTr>
      </TableThead>
      <TableTbody>
        {invoices.map(({ id, number, createdAt, dueAt, status, total, creditNotes }) => (
          <TableTr key={id}>
            <TableTd>
              <Opener onOpen={() => onOpen(id)}>{number ?? "Invoice"}</Opener>
              {status === "open" && dueAt && (
                <Text size="xs" c="dimmed">
                  Due on {formatDate(dueAt, timeZone)}
                </Text>
              )}
              {creditNotes.map((note) => (
                <Text key={note.id} size="xs" c="dimmed">
                  Credit note{" "}
                  <Anchor href={note.pdfUrl} size="xs" c="inherit" underline="always">
                    {note.number}
                  </Anchor>
                  , {formatDate(note.createdAt, timeZone)}
                  {note.reason && `: ${reasonWords(note.reason)}`}
                </Text>
              ))}
            </TableTd>
            <TableTd>{formatDate(createdAt, timeZone)}</TableTd>
            <TableTd visibleFrom="xs">
              <InvoiceBadge status={status} />
            </TableTd>
            <TableTd ta="right" className="figures">
              {formatMoney(total)}
              {creditNotes.map(({ id: noteId, amount }) => (
                <Text key={noteId} size="xs" c="dimmed">
                  {formatMoney(negative(amount))}
                </Text>
              ))}
            </TableTd>
          </TableTr>
        ))}
      </TableTbody>
    </WideTable>
  );
}
