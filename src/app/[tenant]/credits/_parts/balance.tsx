"use client";

import { Alert, Card, Group, SimpleGrid, Stack, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useSuspenseQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { formatCount, formatDate, formatDateTime } from "@/components/format";
import type { Outputs } from "@/server/root";
import { useTRPC } from "@/trpc/client";
import { useWorkspace } from "../../_parts/workspace-context";
import { Lots } from "./lots";

type View = Outputs["credits"]["balance"];

/** What there is to spend, lot by lot, and what comes and goes next. */
export function Balance() {
  const trpc = useTRPC();
  const { data } = useSuspenseQuery(trpc.credits.balance.queryOptions());
  return (
    <Stack gap="md" component="section" aria-label="Balance">
      {data.debt && <Debt debt={data.debt} />}
      <Facts balance={data} />
      <Lots lots={data.lots} />
    </Stack>
  );
}

function Debt({ debt }: { debt: NonNullable<View["debt"]> }) {
  const { timeZone } = useWorkspace();
  const owed = debt.owed === 1 ? "1 credit is" : `${formatCount(debt.owed)} credits are`;
  return (
    <Alert color="red" icon={<IconAlertTriangle size={18} />} title={`${owed} owed`} role="alert">
      They were spent, and the payment for them was taken back on {formatDate(debt.since, timeZone)}. The next
      credits that you buy pay this off first; what is left of them is yours to spend.
    </Alert>
  );
}

function Facts({ balance }: { balance: View }) {
  const trpc = useTRPC();
  const { timeZone } = useWorkspace();
  const { data: all } = useSuspenseQuery(trpc.credits.lifetime.queryOptions());
  const { nextExpiry, nextRefill } = balance;
  return (
    <Card>
      <SimpleGrid cols={{ base: 2, md: 4 }} spacing="lg" verticalSpacing="lg">
        <Figure label="Available" figure={formatCount(balance.available)} large>
          {balance.available === 1 ? "credit" : "credits"}
        </Figure>
        <Figure label="Expires next" figure={nextExpiry ? formatCount(nextExpiry.units) : "Nothing"}>
          {nextExpiry ? formatDateTime(nextExpiry.at, timeZone) : balance.available > 0 && "All of it lasts"}
        </Figure>
        <Figure label="Next refill" figure={nextRefill ? `+${formatCount(nextRefill.units)}` : "None"}>
          {nextRefill
            ? `each ${nextRefill.every}, ${formatDate(nextRefill.at, timeZone)}`
            : "The plan has no refill"}
        </Figure>
        <Figure label="Spent so far" figure={formatCount(all.consumed)}>
          of {formatCount(all.granted)} that came in
        </Figure>
      </SimpleGrid>
    </Card>
  );
}

interface FigureProps {
  label: string;
  figure: string;
  large?: boolean;
  children: ReactNode;
}

function Figure({ label, figure, large = false, children }: FigureProps) {
  return (
    <Stack gap={4} justify="space-between" role="group" aria-label={label}>
      <Text size="sm" c="dimmed" fw={500}>
        {label}
      </Text>
      <Group align="baseline" gap={8}>
        <Text fz={large ? 32 : 22} fw={650} lts="-0.02em" lh={1.2} className="figures">
          {figure}
        </Text>
      </Group>
      <Text size="sm" c="dimmed">
        {children}
      </Text>
    </Stack>
  );
}
