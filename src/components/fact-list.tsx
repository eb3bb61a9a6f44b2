import { List, ListItem } from "@mantine/core";

/** Sentences that belong together, one under the other. */
export function FactList({ facts }: { facts: readonly string[] }) {
  return (
    <List size="sm" spacing={6} pl="md">
      {facts.map((fact) => (
        <ListItem key={fact}>{fact}</ListItem>
      ))}
    </List>
  );
}
