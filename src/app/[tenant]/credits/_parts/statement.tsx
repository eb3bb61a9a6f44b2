"use client";

import { ActionIcon, Group, Stack, TableTbody, TableTd, TableTr, Text } from "@mantine/core";
import { IconChevronLeft, IconChevronRight } from "@tabler/icons-react";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useState, useTransition } from "react";
import { formatCount } from "@/components/format";
import { WideTable } from "@/components/wide-table";
import type { Outputs } from "@/server/root";
import { useTRPC } from "@/trpc/client";
import { kindWords, signed } from "./movement-words";

type View = Outputs["credits"]["statement"];

/** One month as one sum: what there was, what came, what went, what was left. */
export function Statement() {
  const trpc = useTRPC();
  const [month, setMonth] = useState<string | undefined>();
  const [turning, startTurning] = useTransition();
  const { data } = useSuspenseQuery(trpc.credits.statement.queryOptions({ month }));
  const turn = (to: string | null) => to !== null && startTurning(() => setMonth(to));
  return (
    <Stack gap="md">
      <Group justify="space-between" wrap="nowrap">
        <Stack gap={0}>
          <Text fw={600}>{monthWords(data.month)}</Text>
          {!data.complete && (
            <Text size="sm" c="dimmed">
              Up to now: the month is running
            </Text>
          )}
        </Stack>
        <Group gap={6} wrap="nowrap">
          <ActionIcon
            variant="default"
            size="lg"
            aria-label="The month before"
            disabled={data.previous === null || turning}
            onClick={() => turn(data.previous)}
          >
            <IconChevronLeft size={17} />
          </ActionIcon>
          <ActionIcon
            variant="default"
            size="lg"
            aria-label="The month after"
            disabled={data.next === null || turning}
            onClick={() => turn(data.next)}
          >
            <IconChevronRight size={17} />
          </ActionIcon>
        </Group>
      </Group>
      <Sum statement={data} />
    </Stack>
  );
}

function Sum({ statement }: { statement: View }) {
  const lines = linesOf(statement);
  return (
    <WideTable label={`Statement of ${monthWords(statement.month)}`} minWidth={280}>
      <TableTbody>
        <Line name="There at the beginning" units={formatCount(statement.opening)} strong />
        {lines.map(({ name, units }) => (
          <Line key={name} name={name} units={signed(units)} />
        ))}
        <Line
          name={statement.complete ? "Left at the end" : "Left now"}
          units={formatCount(statement.closing)}
          strong
        />
      </TableTbody>
    </WideTable>
  );
}

/** What did not happen needs no line. */
function linesOf(statement: View): { name: string; units: number }[] {
  const lines = [
    ...statement.granted.map(({ kind, units }) => ({ name: kindWords(kind), units })),
    { name: "Spent, less what was given back", units: -statement.consumed },
    { name: "Expired or forfeited", units: -statement.expired },
    { name: "Taken back with the money", units: -statement.takenBack },
    { name: "Paid off what was owed", units: -statement.repaid },
  ];
  return lines.filter(({ units }) => units !== 0);
}

function Line({ name, units, strong = false }: { name: string; units: string; strong?: boolean }) {
  return (
    <TableTr>
      <TableTd fw={strong ? 600 : undefined}>{name}</TableTd>
      <TableTd ta="right" fw={strong ? 600 : undefined} className="figures">
        {units}
      </TableTd>
    </TableTr>
  );
}

/** `2026-11` → "November 2026". */
function monthWords(month: string): string {
  return new Date(`${month}-01T00:00:00Z`).toLocaleDateString("en-US", {
    timeZone: "UTC",
    month: "long",
    year: "numeric",
  });
}
