"use client";

import { NavLink, Stack } from "@mantine/core";
import {
  IconActivity,
  IconCoins,
  IconCreditCard,
  IconHash,
  IconLayoutDashboard,
  IconPlayerPlay,
  IconSettings,
} from "@tabler/icons-react";
import type { Route } from "next";
import Link from "next/link";
import { useSelectedLayoutSegment } from "next/navigation";
import classes from "./shell.module.css";
import { useWorkspace } from "./workspace-context";

const PAGES = [
  { segment: null, label: "Overview", Icon: IconLayoutDashboard },
  { segment: "usage", label: "Usage", Icon: IconActivity },
  { segment: "credits", label: "Credits", Icon: IconCoins },
  { segment: "billing", label: "Billing", Icon: IconCreditCard },
  { segment: "runs", label: "Runs", Icon: IconPlayerPlay },
  { segment: "channels", label: "Channels", Icon: IconHash },
  { segment: "settings", label: "Settings", Icon: IconSettings },
] as const;

export function Navigation({ onNavigate }: { onNavigate: () => void }) {
  const { slug } = useWorkspace();
  const current = useSelectedLayoutSegment();
  return (
    <Stack component="nav" gap={2} aria-label="Workspace">
      {PAGES.map(({ segment, label, Icon }) => (
        <NavLink
          key={label}
          component={Link}
          href={(segment ? `/${slug}/${segment}` : `/${slug}`) as Route}
          label={label}
          leftSection={<Icon size={18} stroke={1.7} aria-hidden />}
          active={current === segment}
          aria-current={current === segment ? "page" : undefined}
          className={classes.link}
          onClick={onNavigate}
        />
      ))}
    </Stack>
  );
}
