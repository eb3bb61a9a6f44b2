"use client";

import { Anchor, Text } from "@mantine/core";
import { TextLink } from "@/components/link-button";
import { site } from "@/config/site";
import { Gate } from "@/trpc/gate";
import { useWorkspace } from "../../_parts/workspace-context";

/** Where to write to, and who is answered first. */
export function Help() {
  const { slug } = useWorkspace();
  const fallback = (
    <>
      Plans with priority support are answered first:{" "}
      <TextLink href={`/${slug}/billing`} inherit>
        see plans
      </TextLink>
      .
    </>
  );
  return (
    <Text size="sm">
      Write to{" "}
      <Anchor inherit underline="always" href={`mailto:${site.supportEmail}`}>
        {site.supportEmail}
      </Anchor>
      .{" "}
      <Gate feature="priority_support" fallback={fallback}>
        Your plan has priority support: you are answered first.
      </Gate>
    </Text>
  );
}
