"use client";

import { type ReactNode, useState, useTransition } from "react";
import { Pager } from "./pager";

interface Pages {
  /** Where the page in sight begins; undefined on the first. */
  cursor: string | undefined;
  /** Back to the first page, together with whatever else changes. */
  restart: (change?: () => void) => void;
  /** The buttons below the list. @param nextCursor where the page after this one begins */
  pager: (nextCursor: string | null) => ReactNode;
}

/** Turns the pages of a list: the page before stays in sight until the next one is there. */
export function usePages(): Pages {
  /** Where each page that was passed begins; empty on the first. */
  const [passed, setPassed] = useState<string[]>([]);
  const [turning, startTurning] = useTransition();
  const turn = (pages: string[]) => startTurning(() => setPassed(pages));
  return {
    cursor: passed.at(-1),
    restart: (change) =>
      startTurning(() => {
        change?.();
        setPassed([]);
      }),
    pager: (nextCursor) => <Pager passed={passed} nextCursor={nextCursor} turning={turning} onTurn={turn} />,
  };
}
