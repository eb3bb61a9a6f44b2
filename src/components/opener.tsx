import { Anchor } from "@mantine/core";
import type { ReactNode } from "react";

/** The words of a row that open what stands behind it. */
export function Opener({ onOpen, children }: { onOpen: () => void; children: ReactNode }) {
  return (
    <Anchor
      component="button"
      type="button"
      size="sm"
      fw={500}
      c="inherit"
      ta="left"
      underline="always"
      onClick={onOpen}
    >
      {children}
    </Anchor>
  );
}
