"use client";

import { Anchor, Badge, Button, Chip, ChipGroup, Group, NativeSelect, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { Section } from "@/components/section";
import classes from "./timeline.module.css";
import type { Moment } from "./use-time";

type Kind = Moment["kind"];

const KINDS: Record<Kind, { label: string; color: string }> = {
  story: { label: "Story", color: "fern" },
  renewal: { label: "Renewals", color: "violet" },
  reset: { label: "Resets", color: "blue" },
  mail: { label: "Mails", color: "orange" },
  change: { label: "Changes", color: "pink" },
  entry: { label: "Entries", color: "cyan" },
  webhook: { label: "Webhooks", color: "gray" },
};
const ALL = Object.keys(KINDS) as Kind[];
const EVERYBODY = "";

interface TimelineProps {
  moments: readonly Moment[];
  workspaces: readonly NonNullable<Moment["workspace"]>[];
  /** The slug of the workspace that is shown alone; empty: all are. */
  of: string;
  choose: (slug: string) => void;
  more?: () => void;
}

/** What happened, the latest first, in days. */
export function Timeline({ moments, workspaces, of, choose, more }: TimelineProps) {
  const [kinds, setKinds] = useState<string[]>(ALL);
  const shown = moments.filter(({ kind }) => kinds.includes(kind));
  return (
    <Section title="What happened" description="The latest first. All times are UTC.">
      <Stack gap="lg">
        <NativeSelect
          label="Workspace"
          value={of}
          onChange={(event) => choose(event.currentTarget.value)}
          data={[
            { value: EVERYBODY, label: "All" },
            ...workspaces.map(({ slug, name }) => ({ value: slug, label: `${name} (${slug})` })),
          ]}
        />
        <ChipGroup multiple value={kinds} onChange={setKinds}>
          <Group gap={6} role="group" aria-label="Shown">
            {ALL.map((kind) => (
              <Chip key={kind} value={kind} size="xs">
                {KINDS[kind].label}
              </Chip>
            ))}
          </Group>
        </ChipGroup>
        {shown.length === 0 && (
          <Text size="sm" c="dimmed">
            Nothing of that has happened yet.
          </Text>
        )}
        {inDays(shown).map(({ day, moments: ofDay }) => (
          <section key={day} aria-label={day}>
            <Text size="sm" fw={600} className="figures" mb={6}>
              {day}
            </Text>
            <ol className={classes.list}>
              {ofDay.map((moment) => (
                <Line key={moment.id} moment={moment} />
              ))}
            </ol>
          </section>
        ))}
        {more && (
          <Button variant="default" onClick={more}>
            Show older
          </Button>
        )}
      </Stack>
    </Section>
  );
}

function Line({ moment: { at, kind, title, detail, workspace, href } }: { moment: Moment }) {
  const outside = href?.startsWith("http") ? { target: "_blank", rel: "noreferrer" } : {};
  return (
    <li className={classes.line} data-kind={kind}>
      <time dateTime={at} className="figures">
        {at.slice(11, 16)}
      </time>
      <Stack gap={2} miw={0}>
        <Group gap={8}>
          <Badge size="sm" variant="light" color={KINDS[kind].color}>
            {KINDS[kind].label}
          </Badge>
          <Text size="xs" c="dimmed">
            {[workspace?.name, detail].filter(Boolean).join(" · ")}
          </Text>
        </Group>
        <Text size="sm" fw={kind === "story" ? 600 : undefined} className={classes.title}>
          {href ? (
            <Anchor href={href} inherit c="inherit" underline="always" {...outside}>
              {title}
            </Anchor>
          ) : (
            title
          )}
        </Text>
      </Stack>
    </li>
  );
}

/** Days in the order of their moments. */
function inDays(moments: readonly Moment[]): { day: string; moments: Moment[] }[] {
  const days: { day: string; moments: Moment[] }[] = [];
  for (const moment of moments) {
    const day = moment.at.slice(0, 10);
    const last = days.at(-1);
    if (last?.day === day) last.moments.push(moment);
    else days.push({ day, moments: [moment] });
  }
  return days;
}
