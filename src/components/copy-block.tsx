"use client";

import { ActionIcon, Box, CopyButton, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import classes from "./copy-block.module.css";

/** Text to take away: a key, a command. */
export function CopyBlock({ text, label }: { text: string; label: string }) {
  return (
    <Box className={classes.frame}>
      <Box component="section" className={classes.text} tabIndex={0} aria-label={label}>
        <pre>{text}</pre>
      </Box>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <Tooltip label={copied ? "Copied" : "Copy"}>
            <ActionIcon
              variant="default"
              onClick={copy}
              aria-label={copied ? "Copied" : `Copy ${label.toLowerCase()}`}
            >
              {copied ? <IconCheck size={16} /> : <IconCopy size={16} />}
            </ActionIcon>
          </Tooltip>
        )}
      </CopyButton>
    </Box>
  );
}
