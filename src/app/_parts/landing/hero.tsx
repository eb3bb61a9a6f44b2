import { Anchor, Box, Container, Group, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { LinkButton, TextLink } from "@/components/link-button";
import { site } from "@/config/site";
import classes from "./landing.module.css";
import { Receipt } from "./receipt";

export function Hero({ canBeTried }: { canBeTried: boolean }) {
  return (
    <Container size="lg" className={classes.hero}>
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing={{ base: 40, md: 64 }} verticalSpacing={48}>
        <Stack justify="center" gap="lg">
          <Title className={classes.headline}>{site.tagline}</Title>
          <Text fz="lg" c="dimmed" maw={520} lh={1.6}>
            A Next.js template for products that sell usage. Edit one price list: your customers subscribe,
            top up, see what they use, and never use more than they may.
          </Text>
          <Group gap="md" mt="xs">
            <LinkButton href="/sign-in" size="md">
              Start for free
            </LinkButton>
            {canBeTried && (
              <TextLink href="/try" fw={550} size="sm">
                Try it without an account
              </TextLink>
            )}
            <Anchor href="#pricing" fw={550} size="sm">
              See the pricing
            </Anchor>
          </Group>
        </Stack>
        <Box className={classes.stage}>
          <Receipt />
        </Box>
      </SimpleGrid>
    </Container>
  );
}
