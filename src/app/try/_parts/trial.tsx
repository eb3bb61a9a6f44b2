"use client";

import { Group, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { formatDate, formatUnits } from "@/components/format";
import { LinkButton } from "@/components/link-button";
import { Section } from "@/components/section";
import { UsageBar } from "@/components/usage-bar";
import type { Outputs } from "@/server/root";
import { useTRPC } from "@/trpc/client";
import { StartTrial } from "./start-trial";
import { TrialRun } from "./trial-run";

type Standing = NonNullable<Outputs["trials"]["standing"]>;

interface TrialProps {
  /** What the page found when it was asked for. */
  found: Standing;
  signedIn: boolean;
}

/** The trial as it stands: on offer, open, or over. */
export function Trial({ found, signedIn }: TrialProps) {
  const trpc = useTRPC();
  const { data } = useQuery(trpc.trials.standing.queryOptions(undefined, { initialData: found }));
  const standing = data ?? found;
  if (standing.state === "offered") return <StartTrial credits={standing.granted} />;
  if (standing.state === "over") return <Over signedIn={signedIn} />;
  const until = standing.endsAt ? `, yours until ${formatDate(standing.endsAt, "UTC")}` : "";
  return (
    <Stack gap="lg">
      <Section title="Your trial">
        <UsageBar
          name="Credits"
          used={standing.granted - standing.remaining}
          limit={standing.granted}
          unit="credit"
          note={`${formatUnits(standing.remaining, "credit")} left${until}.`}
        />
      </Section>
      <TrialRun remaining={standing.remaining} />
      <KeepIt standing={standing} />
    </Stack>
  );
}

function KeepIt({ standing: { remaining, carriesOver } }: { standing: Standing }) {
  const keeps = carriesOver && remaining > 0;
  return (
    <Section
      title={keeps ? `Keep your ${formatUnits(remaining, "credit")}` : "Go on with an account"}
      description={
        keeps
          ? "Sign up in this browser, and what is left comes along. It does not expire then."
          : "Sign up for free: a plan comes with it."
      }
    >
      <Group>
        <LinkButton href="/sign-in" variant="default">
          Sign up
        </LinkButton>
      </Group>
    </Section>
  );
}

function Over({ signedIn }: { signedIn: boolean }) {
  return (
    <Section
      title="This trial is over"
      description="If you signed up with it, what was left is among your workspace's credits."
    >
      <Group>
        <LinkButton href="/sign-in">{signedIn ? "Open app" : "Sign up"}</LinkButton>
      </Group>
    </Section>
  );
}
