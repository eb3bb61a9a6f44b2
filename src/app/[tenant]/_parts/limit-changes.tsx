import { Stack, Table, TableTbody, TableTd, TableTh, TableThead, TableTr, Text } from "@mantine/core";
import { formatCount, formatUnits } from "@/components/format";
import type { Limit } from "@/lib/price-list";
import type { Outputs } from "@/server/root";

type LimitChange = Outputs["billing"]["previewChange"]["limits"][number];

/** What a plan allows, feature by feature, before and after; what is over the new limit stands out. */
export function LimitChanges({ changes }: { changes: readonly LimitChange[] }) {
  if (changes.length === 0)
    return (
      <Text size="sm" c="dimmed">
        What you may use stays the same.
      </Text>
    );
  return (
    <Table verticalSpacing={6} aria-label="What changes">
      <TableThead>
        <TableTr>
          <TableTh>What changes</TableTh>
          <TableTh ta="right">Now</TableTh>
          <TableTh ta="right">Then</TableTh>
        </TableTr>
      </TableThead>
      <TableTbody>
        {changes.map((change) => (
          <TableTr key={change.feature}>
            <TableTd>
              <Stack gap={2}>
                <Text size="sm">{change.name}</Text>
                {change.over > 0 && <Over change={change} />}
              </Stack>
            </TableTd>
            <TableTd ta="right" c="dimmed">
              {wordFor(change.from, change.unit)}
            </TableTd>
            <TableTd ta="right" fw={550}>
              {wordFor(change.to, change.unit)}
            </TableTd>
          </TableTr>
        ))}
      </TableTbody>
    </Table>
  );
}

function Over({ change: { kind, used, over, unit } }: { change: LimitChange }) {
  const past = formatUnits(over, unit ?? "unit");
  return (
    <Text size="xs" c="var(--mantine-color-error)">
      {kind === "meter"
        ? `${formatCount(used ?? 0)} used: nothing is left until it resets.`
        : `You have ${past} more than that. They stay; new ones have to wait.`}
    </Text>
  );
}

function wordFor(limit: Limit, unit: string | null): string {
  if (typeof limit === "boolean") return limit ? "Yes" : "No";
  if (limit === "unlimited") return "Unlimited";
  return unit === "byte" || unit === "MB" ? formatUnits(limit, unit) : formatCount(limit);
}
