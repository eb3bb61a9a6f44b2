import { Button, Text } from "@mantine/core";
import type { Metadata } from "next";
import { connection } from "next/server";
import { TextLink } from "@/components/link-button";
import { env } from "@/env";
import { SignInCard } from "../_parts/card";

export const metadata: Metadata = { title: "Check your mail" };

export default async function CheckMailPage() {
  await connection();
  return (
    <SignInCard
      title="Check your mail"
      text="We sent you a link. Open it on this device to sign in. It may take a minute to arrive."
    >
      {env.MAILBOX_URL && (
        <Button
          component="a"
          href={env.MAILBOX_URL}
          target="_blank"
          rel="noreferrer"
          variant="default"
          fullWidth
        >
          Open the mailbox of this machine
        </Button>
      )}
      <Text size="sm" c="dimmed">
        Nothing there? Look in the spam folder, or{" "}
        <TextLink href="/sign-in" inherit>
          ask for another link
        </TextLink>
        .
      </Text>
    </SignInCard>
  );
}
