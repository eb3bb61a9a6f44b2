"use client";

import { Anchor, type AnchorProps, Button, type ButtonProps } from "@mantine/core";
import type { Route } from "next";
import Link from "next/link";
import type { ReactNode } from "react";

interface Target {
  href: Route;
  children: ReactNode;
}

/** A button that is a link, usable from server components. */
export function LinkButton({ href, children, ...rest }: Target & ButtonProps) {
  return (
    <Button component={Link} href={href} {...rest}>
      {children}
    </Button>
  );
}

/** A text link inside the app, usable from server components. */
export function TextLink({ href, children, ...rest }: Target & AnchorProps) {
  return (
    <Anchor component={Link} href={href} {...rest}>
      {children}
    </Anchor>
  );
}
