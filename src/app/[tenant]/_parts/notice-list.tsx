"use client";

import { Anchor, Stack, Text, VisuallyHidden } from "@mantine/core";
import type { Route } from "next";
import Link from "next/link";
import { formatDateTime } from "@/components/format";
import type { Outputs } from "@/server/root";
import classes from "./shell.module.css";
import { useWorkspace } from "./workspace-context";

type Notice = Outputs["notifications"]["list"]["notices"][number];

interface NoticeListProps {
  notices: readonly Notice[];
  onFollow: (notice: Notice) => void;
}

export function NoticeList({ notices, onFollow }: NoticeListProps) {
  if (notices.length === 0)
    return (
      <Text size="sm" c="dimmed" p="lg" ta="center">
        Nothing yet. Receipts, limits and what needs you will stand here.
      </Text>
    );
  return (
    <ul className={classes.notices}>
      {notices.map((notice) => (
        <NoticeItem key={notice.messageId} notice={notice} onFollow={() => onFollow(notice)} />
      ))}
    </ul>
  );
}

function NoticeItem({ notice, onFollow }: { notice: Notice; onFollow: () => void }) {
  const { timeZone } = useWorkspace();
  const { title, text, action, at, readAt } = notice;
  const isUnread = readAt === null;
  return (
    <li className={classes.notice} data-unread={isUnread || undefined}>
      <Stack gap={3}>
        <Text size="sm" fw={isUnread ? 650 : 500}>
          {isUnread && <VisuallyHidden>Unread: </VisuallyHidden>}
          {title}
        </Text>
        <Text size="sm" c="dimmed" lineClamp={3}>
          {text}
        </Text>
        <Text size="xs" c="dimmed">
          {formatDateTime(at, timeZone)} · <ActionLink {...action} onClick={onFollow} />
        </Text>
      </Stack>
    </li>
  );
}

/** A page of ours, or the payment provider's. */
function ActionLink({ label, url, onClick }: { label: string; url: string; onClick: () => void }) {
  return url.startsWith("/") ? (
    <Anchor component={Link} href={url as Route} inherit fw={600} underline="always" onClick={onClick}>
      {label}
    </Anchor>
  ) : (
    <Anchor href={url} inherit fw={600} underline="always" onClick={onClick}>
      {label}
    </Anchor>
  );
}
