"use client";

import {
  ActionIcon,
  Box,
  Button,
  Center,
  Group,
  Indicator,
  Loader,
  Popover,
  PopoverDropdown,
  PopoverTarget,
  ScrollArea,
  Text,
} from "@mantine/core";
import { useDisclosure, useMounted } from "@mantine/hooks";
import { IconBell } from "@tabler/icons-react";
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type ComponentPropsWithRef, useState } from "react";
import { FailureAlert } from "@/components/failure-alert";
import { useTRPC } from "@/trpc/client";
import { NoticeList } from "./notice-list";
import { Pager } from "./pager";
import classes from "./shell.module.css";
import { useWorkspace } from "./workspace-context";

const REFRESH_MS = 60_000;
const MAX_SHOWN = 99;

/** What happened to the workspace's money. For those whose business it is; asked for in the browser, after the page. */
export function NotificationBell() {
  const { mayPay } = useWorkspace();
  return useMounted() && mayPay && <Bell />;
}

function Bell() {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const [opened, { toggle, close }] = useDisclosure();
  const [passed, setPassed] = useState<string[]>([]);
  const list = useQuery(
    trpc.notifications.list.queryOptions(
      { cursor: passed.at(-1) },
      { refetchInterval: REFRESH_MS, placeholderData: keepPreviousData },
    ),
  );
  const markRead = useMutation(
    trpc.notifications.markRead.mutationOptions({
      onSettled: () => queries.invalidateQueries(trpc.notifications.list.pathFilter()),
    }),
  );
  const { notices = [], unread = 0, nextCursor = null } = list.data ?? {};
  const [latest] = notices;
  return (
    <Popover
      opened={opened}
      onChange={close}
      position="bottom-start"
      width="min(380px, calc(100vw - 24px))"
      shadow="md"
      trapFocus
      returnFocus
    >
      <PopoverTarget>
        <BellButton unread={unread} onClick={toggle} />
      </PopoverTarget>
      <PopoverDropdown p={0} aria-label="Notifications">
        <Group justify="space-between" className={classes.noticesHead}>
          <Text fw={600} size="sm">
            Notifications
          </Text>
          {latest && passed.length === 0 && unread > 0 && (
            <MarkAllRead
              loading={markRead.isPending}
              onClick={() => markRead.mutate({ messageId: latest.messageId, andOlder: true })}
            />
          )}
        </Group>
        <ScrollArea.Autosize mah="min(440px, 60vh)" type="auto">
          <FailureAlert error={list.error ?? markRead.error} />
          {list.isPending && <Waiting />}
          {list.isSuccess && (
            <NoticeList
              notices={notices}
              onFollow={({ messageId, readAt }) => {
                if (readAt === null) markRead.mutate({ messageId });
                close();
              }}
            />
          )}
          <Box px="md" pb="sm">
            <Pager
              passed={passed}
              nextCursor={nextCursor}
              turning={list.isPlaceholderData}
              onTurn={setPassed}
            />
          </Box>
        </ScrollArea.Autosize>
      </PopoverDropdown>
    </Popover>
  );
}

function Waiting() {
  return (
    <Center p="lg">
      <Loader size="sm" aria-label="Loading" />
    </Center>
  );
}

function MarkAllRead(button: { loading: boolean; onClick: () => void }) {
  return (
    <Button variant="subtle" size="compact-xs" {...button}>
      Mark all as read
    </Button>
  );
}

/** A popover puts its own properties on what opens it. */
function BellButton({ unread, onClick, ...opener }: { unread: number } & ComponentPropsWithRef<"button">) {
  return (
    <Indicator
      label={unread > MAX_SHOWN ? `${MAX_SHOWN}+` : unread}
      disabled={unread === 0}
      size={16}
      offset={5}
      color="red.8"
    >
      <ActionIcon
        variant="subtle"
        color="gray"
        size={36}
        onClick={onClick}
        aria-label={unread > 0 ? `Notifications, ${unread} unread` : "Notifications"}
        {...opener}
      >
        <IconBell size={19} stroke={1.7} aria-hidden />
      </ActionIcon>
    </Indicator>
  );
}
