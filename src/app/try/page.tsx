import { Container, Stack, Text, Title } from "@mantine/core";
import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { ApiProvider } from "@/trpc/client";
import { serverApi } from "@/trpc/server";
import { LandingFooter } from "../_parts/landing/landing-footer";
import { LandingHeader } from "../_parts/landing/landing-header";
import { Trial } from "./_parts/trial";

export const metadata: Metadata = { title: "Try it without an account" };

/** Whoever signs up later takes what is left along. There is no such page when the price list has no trial. */
export default async function TryPage() {
  const { caller, person } = await serverApi(null);
  const standing = await caller.trials.standing();
  if (!standing) notFound();
  return (
    <>
      <LandingHeader signedIn={person !== null} />
      <Container component="main" size={640} mih="75vh" py={{ base: 40, sm: 72 }}>
        <Stack gap={6} mb="xl">
          <Title order={1} fz={28}>
            Try it without an account
          </Title>
          <Text c="dimmed">
            Credits to start with, no e-mail and no card. We keep no address of yours, only a cookie that
            names your trial.
          </Text>
        </Stack>
        <ApiProvider workspace="">
          <Trial found={standing} signedIn={person !== null} />
        </ApiProvider>
      </Container>
      <LandingFooter />
    </>
  );
}
