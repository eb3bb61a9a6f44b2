"use client";

import { Button, Group, Stack, Text } from "@mantine/core";
import { IconLogout } from "@tabler/icons-react";
import { useTransition } from "react";
import { ColorSchemeMenu } from "@/components/color-scheme-menu";
import { forgetQueries } from "@/trpc/client";
import { signOutHere } from "./sign-out";

export function UserMenu({ email }: { email: string }) {
  const [leaving, startLeaving] = useTransition();
  const leave = () =>
    startLeaving(async () => {
      forgetQueries();
      await signOutHere();
    });
  return (
    <Stack gap="sm" p={4}>
      <Text size="xs" c="dimmed" truncate px={6}>
        {email}
      </Text>
      <Group justify="space-between" wrap="nowrap">
        <Button
          variant="subtle"
          color="gray"
          size="compact-sm"
          leftSection={<IconLogout size={16} aria-hidden />}
          loading={leaving}
          onClick={leave}
        >
          Sign out
        </Button>
        <ColorSchemeMenu />
      </Group>
    </Stack>
  );
}
