import { Container, SimpleGrid, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import { IconDatabase, IconPlugConnectedX, IconReceipt2, IconShieldCheck } from "@tabler/icons-react";

const REASONS = [
  {
    Icon: IconShieldCheck,
    title: "One exact gate",
    text: "Asking and charging are one decision in your own Postgres. Two requests never spend the same unit, and a failed request is never charged.",
  },
  {
    Icon: IconReceipt2,
    title: "It explains itself",
    text: "Every denial says what is missing, when it resets, and which plan would lift it. Every charge says where its units came from.",
  },
  {
    Icon: IconPlugConnectedX,
    title: "Works offline",
    text: "A Stripe simulator, a mail catcher and a real Postgres start with the app. No account is needed to see the whole life of a subscription.",
  },
  {
    Icon: IconDatabase,
    title: "Your data, your rules",
    text: "Plans, limits and credits are rows you can query. The tests that try to break them, crashes and replays included, come with the clone.",
  },
] as const;

export function Reasons() {
  return (
    <Container size="lg" component="section" py={{ base: 48, sm: 72 }} aria-label="What makes it different">
      <SimpleGrid cols={{ base: 1, xs: 2, md: 4 }} spacing="xl" verticalSpacing={36}>
        {REASONS.map(({ Icon, title, text }) => (
          <Stack key={title} gap={8}>
            <ThemeIcon variant="light" size={38} radius="md" mb={4}>
              <Icon size={20} aria-hidden />
            </ThemeIcon>
            <Title order={2} fz="md">
              {title}
            </Title>
            <Text size="sm" c="dimmed" lh={1.6}>
              {text}
            </Text>
          </Stack>
        ))}
      </SimpleGrid>
    </Container>
  );
}
