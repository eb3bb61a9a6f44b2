import { Anchor, Container, Group, Stack } from "@mantine/core";
import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { ColorSchemeMenu } from "@/components/color-scheme-menu";
import { LinkButton } from "@/components/link-button";
import { Logo } from "@/components/logo";
import { PageHeader } from "@/components/page-header";
import { env } from "@/env";
import { hasTimeMachine } from "@/server/one-clock";
import { ApiProvider } from "@/trpc/client";
import { TimePanel } from "./_parts/time-panel";

export const metadata: Metadata = { title: "Time machine" };

/** Moves the one clock of a development. Its name keeps it out of every production build: see next.config.mjs. */
export default function TimePage() {
  if (!hasTimeMachine()) notFound();
  const { STRIPE_API_URL, MAILBOX_URL } = env;
  return (
    <Container component="main" size={1080} py="lg" pb={80}>
      <Group justify="space-between" mb="xl">
        <LinkButton href="/" variant="transparent" px={0} aria-label="To the app">
          <Logo />
        </LinkButton>
        <ColorSchemeMenu />
      </Group>
      <PageHeader
        title="Time machine"
        description="One clock for the app, its cron, the ledger, the simulated Stripe and mail. Whatever falls due on the way happens at its own instant. Time never goes back; npm run dev -- --reset starts over."
      />
      <Stack gap="lg">
        <ApiProvider workspace="">
          <TimePanel />
        </ApiProvider>
        <Group gap="md" fz="sm">
          {MAILBOX_URL && <Anchor href={MAILBOX_URL}>Mailbox</Anchor>}
          {STRIPE_API_URL && <Anchor href={`${STRIPE_API_URL}/__sim/report`}>What Stripe did</Anchor>}
        </Group>
      </Stack>
    </Container>
  );
}
