import { SimpleGrid, Stack, Text } from "@mantine/core";

interface WorkspaceFactsProps {
  name: string;
  slug: string;
  timeZone: string;
  role: string | null;
}

export function WorkspaceFacts({ name, slug, timeZone, role }: WorkspaceFactsProps) {
  const facts = [
    { term: "Name", text: name },
    { term: "Address", text: `/${slug}` },
    { term: "Time zone", text: timeZone },
    { term: "Your role", text: role ?? "None" },
  ];
  return (
    <SimpleGrid component="dl" m={0} cols={{ base: 2, sm: 4 }} spacing="lg">
      {facts.map(({ term, text }) => (
        <Stack key={term} gap={4}>
          <Text component="dt" size="sm" c="dimmed">
            {term}
          </Text>
          <Text component="dd" m={0} size="sm" fw={550} style={{ overflowWrap: "anywhere" }}>
            {text}
          </Text>
        </Stack>
      ))}
    </SimpleGrid>
  );
}
