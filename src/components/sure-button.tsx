"use client";

import { Button, type ButtonProps } from "@mantine/core";
import { useState } from "react";

interface SureButtonProps extends Pick<ButtonProps, "size" | "variant"> {
  /** What it does, as one word: "Remove". */
  verb: string;
  /** To what, for those who hear the button and don't see what it stands beside. */
  name: string;
  busy: boolean;
  onSure: () => void;
}

/** For what can't be taken back: the first click asks, the second does it. */
export function SureButton({ verb, name, busy, onSure, ...look }: SureButtonProps) {
  const [sure, setSure] = useState(false);
  const words = sure ? `Really ${verb.toLowerCase()}` : verb;
  return (
    <Button
      {...look}
      {...(sure && { variant: "filled", color: "red.8" })}
      {...(!sure && look.variant === "subtle" && { color: "red" })}
      loading={busy}
      aria-label={`${words} ${name}`}
      onClick={() => {
        setSure(!sure);
        if (sure) onSure();
      }}
      onBlur={() => setSure(false)}
    >
      {words}
    </Button>
  );
}
