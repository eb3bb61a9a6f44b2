"use client";

import { Badge, Code, TableTbody, TableTd, TableTh, TableThead, TableTr } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { FailureAlert } from "@/components/failure-alert";
import { formatDate, formatDateTime } from "@/components/format";
import { SureButton } from "@/components/sure-button";
import { WideTable } from "@/components/wide-table";
import type { Outputs } from "@/server/root";
import { useTRPC } from "@/trpc/client";
import { useWorkspace } from "../../_parts/workspace-context";

type Key = Outputs["accounts"]["apiKeys"]["list"][number];

export function KeyTable({ keys }: { keys: Key[] }) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const revoke = useMutation(
    trpc.accounts.apiKeys.revoke.mutationOptions({
      onSettled: () => queries.invalidateQueries(trpc.accounts.apiKeys.pathFilter()),
    }),
  );
  return (
    <>
      <FailureAlert error={revoke.error} />
      <WideTable label="API keys" minWidth={560}>
        <TableThead>
          <TableTr>
            <TableTh>Name</TableTh>
            <TableTh>Key</TableTh>
            <TableTh>Made</TableTh>
            <TableTh>Last used</TableTh>
            <TableTh ta="right">State</TableTh>
          </TableTr>
        </TableThead>
        <TableTbody>
          {keys.map((key) => (
            <KeyRow
              key={key.id}
              apiKey={key}
              busy={revoke.isPending && revoke.variables.id === key.id}
              onRevoke={() => revoke.mutate({ id: key.id })}
            />
          ))}
        </TableTbody>
      </WideTable>
    </>
  );
}

interface KeyRowProps {
  apiKey: Key;
  busy: boolean;
  onRevoke: () => void;
}

function KeyRow({ apiKey, busy, onRevoke }: KeyRowProps) {
  const { timeZone } = useWorkspace();
  const { name, hint, createdAt, lastUsedAt, revokedAt } = apiKey;
  return (
    <TableTr>
      <TableTd fw={500}>{name}</TableTd>
      <TableTd>
        <Code>tgk_…{hint}</Code>
      </TableTd>
      <TableTd>{formatDate(createdAt, timeZone)}</TableTd>
      <TableTd>{lastUsedAt ? formatDateTime(lastUsedAt, timeZone) : "Never"}</TableTd>
      <TableTd ta="right">
        {revokedAt ? (
          <Badge color="gray">Revoked</Badge>
        ) : (
          <SureButton
            verb="Revoke"
            name={name}
            size="compact-sm"
            variant="default"
            busy={busy}
            onSure={onRevoke}
          />
        )}
      </TableTd>
    </TableTr>
  );
}
