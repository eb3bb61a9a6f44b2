"use client";

import { Button, Group } from "@mantine/core";
import { IconChevronLeft, IconChevronRight } from "@tabler/icons-react";

interface PagerProps {
  /** Where each page that was passed begins; empty on the first. */
  passed: readonly string[];
  nextCursor: string | null;
  turning: boolean;
  onTurn: (passed: string[]) => void;
}

/** Newer and older pages of a list. Shows nothing for a list of one page. */
export function Pager({ passed, nextCursor, turning, onTurn }: PagerProps) {
  if (passed.length === 0 && nextCursor === null) return null;
  return (
    <Group justify="flex-end" gap="xs" mt="md">
      <Button
        variant="default"
        size="xs"
        leftSection={<IconChevronLeft size={15} aria-hidden />}
        disabled={passed.length === 0 || turning}
        onClick={() => onTurn(passed.slice(0, -1))}
      >
        Newer
      </Button>
      <Button
        variant="default"
        size="xs"
        rightSection={<IconChevronRight size={15} aria-hidden />}
        disabled={nextCursor === null || turning}
        onClick={() => nextCursor !== null && onTurn([...passed, nextCursor])}
      >
        Older
      </Button>
    </Group>
  );
}
