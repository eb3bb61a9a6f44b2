"use client";

import { Button, Group, Progress, Stack, Text, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { Section } from "@/components/section";
import type { TimeInput } from "@/server/time/inputs";
import type { State } from "./use-time";
import { fieldInstant, fieldText, instantWords } from "./words";

interface MovesProps {
  state: State;
  isBusy: boolean;
  order: (order: TimeInput) => void;
}

const AMOUNTS = [
  { label: "1 hour", wish: { hours: 1 } },
  { label: "1 day", wish: { days: 1 } },
  { label: "1 week", wish: { days: 7 } },
  { label: "1 month", wish: { months: 1 } },
] as const;

/** What time it is, and buttons that change that. */
export function Moves({ state, isBusy, order }: MovesProps) {
  const { now, next } = state;
  return (
    <Section title="It is">
      <Stack gap="md">
        <Text component="time" dateTime={now} fz={22} fw={600} className="figures" aria-live="polite">
          {instantWords(now)}
        </Text>
        <Moving state={state} order={order} />
        <Group gap="xs">
          {AMOUNTS.map(({ label, wish }) => (
            <Button
              key={label}
              variant="default"
              disabled={isBusy}
              onClick={() => order({ do: "move", wish })}
              aria-label={`Forward ${label}`}
            >
              + {label}
            </Button>
          ))}
        </Group>
        <Button
          disabled={isBusy || !next}
          onClick={() => order({ do: "move", wish: { next: true } })}
          style={{ alignSelf: "flex-start" }}
        >
          To what comes next
        </Button>
        {next && (
          <Text size="sm" c="dimmed">
            Next: {next.what}, {instantWords(next.at)}
          </Text>
        )}
        <ToDate now={now} isBusy={isBusy} order={order} />
      </Stack>
    </Section>
  );
}

function Moving({ state: { now, moving }, order }: Pick<MovesProps, "state" | "order">) {
  if (!moving) return null;
  const at = (iso: string) => new Date(iso).getTime();
  const whole = moving.to ? at(moving.to) - at(moving.from) : 0;
  const done = whole > 0 ? ((at(now) - at(moving.from)) / whole) * 100 : 100;
  return (
    <Group wrap="nowrap">
      <Progress
        value={done}
        flex={1}
        striped
        animated
        aria-label={moving.to ? `Moving to ${instantWords(moving.to)}` : "A step of the story is under way"}
      />
      <Button size="xs" variant="default" onClick={() => order({ do: "stop" })}>
        Stop
      </Button>
    </Group>
  );
}

function ToDate({ now, isBusy, order }: Pick<MovesProps, "isBusy" | "order"> & { now: string }) {
  const [text, setText] = useState("");
  const to = fieldInstant(text);
  const go = (event: FormEvent) => {
    event.preventDefault();
    if (to) order({ do: "move", wish: { to } });
  };
  return (
    <form onSubmit={go}>
      <Group align="flex-end" gap="xs" wrap="nowrap">
        <TextInput
          type="datetime-local"
          label="To a date (UTC)"
          min={fieldText(now)}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          flex={1}
        />
        <Button type="submit" variant="default" disabled={isBusy || !to}>
          Go
        </Button>
      </Group>
    </form>
  );
}
