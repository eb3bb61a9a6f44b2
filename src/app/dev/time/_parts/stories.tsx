"use client";

import { Anchor, Button, Group, Stack, Text, Timeline, TimelineItem } from "@mantine/core";
import { Section } from "@/components/section";
import type { TimeInput } from "@/server/time/inputs";
import type { State } from "./use-time";

interface StoriesProps {
  state: State;
  isBusy: boolean;
  order: (order: TimeInput) => void;
}

/** Things that could happen, each played step by step in a workspace of its own. */
export function Stories({ state, isBusy, order }: StoriesProps) {
  const { stories, story } = state;
  return (
    <Section title="Stories" description="Each begins in a new workspace and goes on step by step.">
      <Stack gap="lg">
        {stories.map(({ id, title, description }) => (
          <Stack key={id} gap="xs">
            <Text fw={600}>{title}</Text>
            <Text size="sm" c="dimmed">
              {description}
            </Text>
            <Group gap="xs">
              <Button
                variant="default"
                size="xs"
                disabled={isBusy}
                onClick={() => order({ do: "begin", story: id })}
                aria-label={`Play: ${title}`}
              >
                {story?.id === id ? "Play it again" : "Play"}
              </Button>
            </Group>
            {story?.id === id && <Steps story={story} isBusy={isBusy} order={order} />}
          </Stack>
        ))}
      </Stack>
    </Section>
  );
}

function Steps({
  story: { slug, steps, played },
  isBusy,
  order,
}: Omit<StoriesProps, "state"> & { story: NonNullable<State["story"]> }) {
  return (
    <Stack gap="sm">
      <Timeline active={played - 1} bulletSize={16} lineWidth={2} aria-label="Steps">
        {steps.map((title, step) => (
          <TimelineItem
            key={title}
            title={
              <Text size="sm" c={step < played ? undefined : "dimmed"}>
                {title}
              </Text>
            }
          />
        ))}
      </Timeline>
      <Group gap="xs">
        {played < steps.length && (
          <>
            <Button size="xs" disabled={isBusy} onClick={() => order({ do: "play" })}>
              Next step
            </Button>
            <Button
              size="xs"
              variant="default"
              disabled={isBusy}
              onClick={() => order({ do: "play", all: true })}
            >
              All the rest
            </Button>
          </>
        )}
        <Anchor href={`/${slug}/billing`} size="sm">
          Its workspace
        </Anchor>
      </Group>
    </Stack>
  );
}
