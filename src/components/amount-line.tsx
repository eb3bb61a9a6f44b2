import { Group, Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";

interface AmountLineProps {
  name: ReactNode;
  /** A word more about it, in small. */
  note?: string | null;
  /** As it is shown: "$15.00". */
  amount: string;
  strong?: boolean;
}

/** What something is, and what it comes to: one line of an invoice, a receipt or a preview. */
export function AmountLine({ name, note = null, amount, strong = false }: AmountLineProps) {
  const weight = strong ? 600 : undefined;
  return (
    <Group justify="space-between" align="flex-start" wrap="nowrap" gap="md">
      <Stack gap={0}>
        <Text size="sm" fw={weight}>
          {name}
        </Text>
        {note && (
          <Text size="xs" c="dimmed">
            {note}
          </Text>
        )}
      </Stack>
      <Text size="sm" fw={weight} className="figures">
        {amount}
      </Text>
    </Group>
  );
}
