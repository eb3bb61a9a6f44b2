"use client";

import { Anchor, type AnchorProps, Button, type ButtonProps } from "@mantine/core";
import type { Route } from "next";
import Link from "next/link";
import type { ReactNode } from "react";

interface Target<T extends string> {
  href: Route<T>;
  children: ReactNode;
}

/** A button that is a link, usable from server components. */
export function LinkButton<T extends string>({ href, children, ...rest }: Target<T> & ButtonProps) {
  return (
    <Button component={Link} href={href as Route} {...rest}>
      {children}
    </Button>
  );
}

/** A text link inside the app, usable from server components. `inherit`: within a sentence, so underlined. */
export function TextLink<T extends string>({ href, children, ...rest }: Target<T> & AnchorProps) {
  return (
    <Anchor component={Link} href={href as Route} underline={rest.inherit ? "always" : undefined} {...rest}>
      {children}
    </Anchor>
  );
}
