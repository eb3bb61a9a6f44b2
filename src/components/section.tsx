import { Card, Group, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";

interface SectionProps {
  title: string;
  description?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

/** A card with a heading: the building block of every page. */
export function Section({ title, description, actions, children }: SectionProps) {
  return (
    <Card component="section">
      <Group justify="space-between" align="flex-start" mb="lg" gap="sm">
        <Stack gap={2} flex="1 1 240px">
          <Title order={2}>{title}</Title>
          {description && (
            <Text size="sm" c="dimmed" component="div">
              {description}
            </Text>
          )}
        </Stack>
        {actions}
      </Group>
      {children}
    </Card>
  );
}
