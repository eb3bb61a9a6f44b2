import { Anchor, Box } from "@mantine/core";
import { Fragment, type ReactNode } from "react";
import { env } from "@/env";
import { hasTimeMachine } from "@/server/one-clock";
import classes from "./shell.module.css";

/** Says on every page what is not the real thing on this machine. Nothing is simulated in production. */
export function SimulatedBanner() {
  const { simulated, MAILBOX_URL } = env;
  const facts: { key: string; text: ReactNode }[] = [];
  if (simulated.stripe) facts.push({ key: "stripe", text: "Stripe is simulated – no money moves" });
  if (simulated.mail)
    facts.push({
      key: "mail",
      text: (
        <>
          Mail is caught (
          <Anchor inherit underline="always" href={MAILBOX_URL} target="_blank" rel="noreferrer">
            open mailbox
          </Anchor>
          )
        </>
      ),
    });
  if (simulated.database) facts.push({ key: "database", text: "Database is embedded" });
  if (hasTimeMachine())
    facts.push({
      key: "time",
      text: (
        <Anchor inherit underline="always" href="/dev/time">
          Time machine
        </Anchor>
      ),
    });
  if (facts.length === 0) return null;
  return (
    <Box className={classes.banner} role="note">
      {facts.map(({ key, text }, index) => (
        <Fragment key={key}>
          {index > 0 && " · "}
          {text}
        </Fragment>
      ))}
    </Box>
  );
}
