import { Card, SimpleGrid, Skeleton, Stack } from "@mantine/core";

/** Lines of a table or list that is on its way. */
export function LinesSkeleton({ lines = 4 }: { lines?: number }) {
  return (
    <Stack gap="sm" role="status" aria-busy="true" aria-label="Loading">
      {Array.from({ length: lines }, (_, line) => `line-${line}`).map((key) => (
        <Skeleton key={key} height={34} radius="md" />
      ))}
    </Stack>
  );
}

/** Cards in a row. */
export function CardsSkeleton({ cards = 3, height = 148 }: { cards?: number; height?: number }) {
  return (
    <SimpleGrid
      cols={{ base: 1, sm: Math.min(cards, 3) }}
      role="status"
      aria-busy="true"
      aria-label="Loading"
    >
      {Array.from({ length: cards }, (_, card) => `card-${card}`).map((key) => (
        <Card key={key} h={height}>
          <Skeleton height={12} width="40%" mb="lg" />
          <Skeleton height={22} width="60%" mb="sm" />
          <Skeleton height={8} />
        </Card>
      ))}
    </SimpleGrid>
  );
}
