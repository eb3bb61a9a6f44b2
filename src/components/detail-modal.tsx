"use client";

import { Modal, type ModalProps, Text } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { QueryBoundary } from "./query-boundary";
import { LinesSkeleton } from "./skeletons";

interface DetailModalProps extends Pick<ModalProps, "size" | "onClose"> {
  title: string;
  /** Of what it shows; closed while null. The last one stays in sight while it closes. */
  shownId: string | null;
  /** How many lines stand there until it is loaded. */
  lines?: number;
  /** @param show puts another one in its place */
  children: (id: string, show: (id: string) => void) => ReactNode;
}

/** One thing of a list, opened. */
export function DetailModal({ title, shownId, lines = 4, children, ...rest }: DetailModalProps) {
  const [asked, setAsked] = useState(shownId);
  const [last, setLast] = useState(shownId);
  if (shownId !== asked) {
    setAsked(shownId);
    if (shownId !== null) setLast(shownId);
  }
  return (
    <Modal opened={shownId !== null} title={<Text fw={600}>{title}</Text>} {...rest}>
      {last !== null && (
        <QueryBoundary key={last} loading={<LinesSkeleton lines={lines} />}>
          {children(last, setLast)}
        </QueryBoundary>
      )}
    </Modal>
  );
}
