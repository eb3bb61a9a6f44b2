import { Box, Card, Container, Stack, Text, Title } from "@mantine/core";
import { serverApi } from "@/trpc/server";
import { Hero } from "./_parts/landing/hero";
import { LandingFooter } from "./_parts/landing/landing-footer";
import { LandingHeader } from "./_parts/landing/landing-header";
import { LandingPricing } from "./_parts/landing/landing-pricing";
import { Reasons } from "./_parts/landing/reasons";
import { Comparison } from "./_parts/pricing/comparison";

export default async function LandingPage() {
  const { ctx, caller, person } = await serverApi(null);
  const offers = await caller.billing.plans();
  return (
    <>
      <LandingHeader signedIn={person !== null} />
      <main>
        <Hero canBeTried={ctx.prices.credits?.trial !== undefined} />
        <Reasons />
        <Container component="section" id="pricing" size="lg" py={{ base: 48, sm: 72 }}>
          <Stack align="center" gap={8} mb="xl">
            <Title order={2} fz={28} ta="center">
              Pricing
            </Title>
            <Text c="dimmed" ta="center">
              Start free, pay when you grow. Cancel any time.
            </Text>
          </Stack>
          <LandingPricing offers={offers} />
          <Box mt={56}>
            <Title order={3} fz="lg" mb="md">
              Compare the plans
            </Title>
            <Card padding="xs">
              <Comparison offers={offers} />
            </Card>
          </Box>
        </Container>
      </main>
      <LandingFooter />
    </>
  );
}
