import { Code, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { TextLink } from "@/components/link-button";
import { Section } from "@/components/section";

export function FirstSteps({ slug }: { slug: string }) {
  return (
    <Section title="First steps" description="What to try, and where it is in the code.">
      <SimpleGrid cols={{ base: 1, xs: 3 }} spacing="xl">
        <Stack gap={4}>
          <Title order={3}>1. Spend something</Title>
          <Text size="sm" c="dimmed">
            <TextLink href={`/${slug}/runs`} inherit>
              Start a run
            </TextLink>{" "}
            until the allowance is gone. The procedure is in <Code>src/server/demo/router.ts</Code>.
          </Text>
        </Stack>
        <Stack gap={4}>
          <Title order={3}>2. Buy more</Title>
          <Text size="sm" c="dimmed">
            <TextLink href={`/${slug}/billing`} inherit>
              Change the plan or buy credits
            </TextLink>
            . The test card is 4242 4242 4242 4242.
          </Text>
        </Stack>
        <Stack gap={4}>
          <Title order={3}>3. Make it yours</Title>
          <Text size="sm" c="dimmed">
            Edit <Code>src/config/plans.ts</Code>, and call the gate from your own code with an{" "}
            <TextLink href={`/${slug}/settings`} inherit>
              API key
            </TextLink>
            .
          </Text>
        </Stack>
      </SimpleGrid>
    </Section>
  );
}
