"use client";

import { Avatar, Menu, MenuDropdown, MenuItem, MenuTarget, Stack, Text, UnstyledButton } from "@mantine/core";
import { IconCheck, IconSelector } from "@tabler/icons-react";
import type { Route } from "next";
import Link from "next/link";
import classes from "./shell.module.css";
import { useWorkspace } from "./workspace-context";

/** `workspaces`: all of the signed-in person's. */
export function WorkspaceSwitcher({ workspaces }: { workspaces: { slug: string; name: string }[] }) {
  const { slug, name } = useWorkspace();
  return (
    <Menu width={224} position="bottom-start">
      <MenuTarget>
        <UnstyledButton className={classes.switcher} aria-label={`Workspace ${name}. Change workspace`}>
          <Avatar name={name} color="fern" size={30} radius="md" aria-hidden />
          <Stack gap={0} flex={1} miw={0}>
            <Text size="sm" fw={600} truncate>
              {name}
            </Text>
            <Text size="xs" c="dimmed" truncate>
              {slug}
            </Text>
          </Stack>
          <IconSelector size={16} aria-hidden />
        </UnstyledButton>
      </MenuTarget>
      <MenuDropdown>
        {workspaces.map((one) => (
          <MenuItem
            key={one.slug}
            component={Link}
            href={`/${one.slug}` as Route}
            rightSection={one.slug === slug ? <IconCheck size={16} aria-label="Current" /> : null}
          >
            {one.name}
          </MenuItem>
        ))}
      </MenuDropdown>
    </Menu>
  );
}
