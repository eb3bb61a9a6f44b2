"use client";

import { Center, Stack } from "@mantine/core";
import { FailureAlert } from "@/components/failure-alert";
import { LinkButton } from "@/components/link-button";

export default function AppFailed({ error, retry }: { error: unknown; retry: () => void }) {
  return (
    <Center component="main" mih="100dvh" p="xl">
      <Stack w="100%" maw={460}>
        <FailureAlert error={error} retry={retry} />
        <LinkButton href="/" variant="subtle">
          To the start page
        </LinkButton>
      </Stack>
    </Center>
  );
}
