"use client";

import { Stack, Switch } from "@mantine/core";
import { useMutation, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { FailureAlert } from "@/components/failure-alert";
import type { Outputs } from "@/server/root";
import { useTRPC } from "@/trpc/client";

type Topic = Outputs["notifications"]["preferences"][number]["topic"];

const WORDS: Record<Topic, { label: string; what: string }> = {
  payments: { label: "Payments that need you", what: "Failed payments, disputes, top-ups that stopped." },
  plan: { label: "Your plan", what: "Changes, and trials and plans that end." },
  receipts: { label: "Receipts", what: "Payments, invoices and refunds." },
  usage: { label: "Usage", what: "80% and 100% of an allowance, and when it will not last." },
  credits: { label: "Credits", what: "A low balance, and credits that expire." },
};

/** What the signed-in person is mailed about this workspace. The bell shows all of it in any case. */
export function MailSettings() {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const { data: preferences } = useSuspenseQuery(trpc.notifications.preferences.queryOptions());
  const change = useMutation(
    trpc.notifications.setPreference.mutationOptions({
      onSuccess: (after) => queries.setQueryData(trpc.notifications.preferences.queryKey(), after),
    }),
  );
  return (
    <Stack gap="md">
      <FailureAlert error={change.error} />
      {preferences.map(({ topic, mail, always }) => (
        <Switch
          key={topic}
          label={WORDS[topic].label}
          description={always ? `${WORDS[topic].what} Always sent.` : WORDS[topic].what}
          checked={mail}
          styles={always ? { label: { color: "var(--mantine-color-text)" } } : undefined}
          disabled={always || (change.isPending && change.variables.topic === topic)}
          onChange={(event) => change.mutate({ topic, mail: event.currentTarget.checked })}
        />
      ))}
    </Stack>
  );
}
