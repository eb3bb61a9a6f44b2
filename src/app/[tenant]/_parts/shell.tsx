"use client";

import {
  AppShell,
  AppShellHeader,
  AppShellMain,
  AppShellNavbar,
  Box,
  Burger,
  Group,
  Text,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import type { ReactNode } from "react";
import { LogoMark } from "@/components/logo";
import { LowCredits } from "./low-credits";
import { Navigation } from "./navigation";
import { NotificationBell } from "./notification-bell";
import { PastDue } from "./past-due";
import classes from "./shell.module.css";
import { useWorkspace } from "./workspace-context";

interface ShellProps {
  banner: ReactNode;
  sidebarTop: ReactNode;
  sidebarBottom: ReactNode;
  children: ReactNode;
}

/** A sidebar on wide screens; below 768 px a bar on top that opens it. */
export function Shell({ banner, sidebarTop, sidebarBottom, children }: ShellProps) {
  const { name } = useWorkspace();
  const [open, { toggle, close }] = useDisclosure();
  return (
    <AppShell
      header={{ height: { base: 56, sm: 0 } }}
      navbar={{ width: 248, breakpoint: "sm", collapsed: { mobile: !open } }}
    >
      <AppShellHeader hiddenFrom="sm" className={classes.header}>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap={10} wrap="nowrap" miw={0}>
            <LogoMark />
            <Text fw={600} truncate>
              {name}
            </Text>
          </Group>
          <Group gap={4} wrap="nowrap">
            <NotificationBell />
            <Burger opened={open} onClick={toggle} size="sm" aria-label={open ? "Close menu" : "Open menu"} />
          </Group>
        </Group>
      </AppShellHeader>
      <AppShellNavbar className={classes.sidebar} p="sm">
        <Group gap={4} wrap="nowrap">
          <Box flex={1} miw={0}>
            {sidebarTop}
          </Box>
          <Box visibleFrom="sm">
            <NotificationBell />
          </Box>
        </Group>
        <Navigation onNavigate={close} />
        <Box mt="auto">{sidebarBottom}</Box>
      </AppShellNavbar>
      <AppShellMain className={classes.main}>
        {banner}
        <Box className={classes.page}>
          <PastDue />
          <LowCredits />
          {children}
        </Box>
      </AppShellMain>
    </AppShell>
  );
}
