import { Card, Container, Loader, Stack, Text, Title } from "@mantine/core";
import type { Metadata } from "next";
import { redirect } from "next/navigation";
import { Suspense } from "react";
import { openWorkspace } from "../../_parts/open-workspace";
import { Outcome } from "./_parts/outcome";

export const metadata: Metadata = { title: "Payment" };

const SESSION_ID = /^cs_\w{1,200}$/;

/** Where the hosted checkout leads back to. Reloading is harmless: completing a return twice changes nothing. */
export default async function ReturnPage({ params, searchParams }: PageProps<"/[tenant]/billing/return">) {
  const { session_id } = await searchParams;
  const sessionId = typeof session_id === "string" && SESSION_ID.test(session_id) ? session_id : null;
  const page = sessionId ? `billing/return?session_id=${sessionId}` : "billing";
  const { workspace } = await openWorkspace(params, page);
  if (!sessionId) redirect(`/${workspace.slug}/billing`);
  return (
    <Container size={520} px={0} py="xl">
      <Card padding="xl">
        <Suspense fallback={<Confirming />}>
          <Outcome slug={workspace.slug} sessionId={sessionId} />
        </Suspense>
      </Card>
    </Container>
  );
}

function Confirming() {
  return (
    <Stack align="center" gap="md" py="lg" aria-busy="true">
      <Loader />
      <Title order={1} fz="xl">
        Confirming the payment
      </Title>
      <Text c="dimmed" size="sm">
        This takes a moment.
      </Text>
    </Stack>
  );
}
