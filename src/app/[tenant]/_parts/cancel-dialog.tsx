"use client";

import { Button, Group, Modal, Radio, RadioGroup, Select, Stack, Text, Textarea } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { FailureAlert } from "@/components/failure-alert";
import { formatDate } from "@/components/format";
import type { Inputs } from "@/server/root";
import { useTRPC } from "@/trpc/client";
import { useBillingRefresh } from "./use-billing-refresh";
import { useWorkspace } from "./workspace-context";

type Cancel = Inputs["billing"]["cancel"];

const REASONS: Record<Cancel["reason"], string> = {
  too_expensive: "It costs too much",
  missing_features: "It lacks something we need",
  unused: "We don't use it enough",
  switched_service: "We use something else now",
  customer_service: "The support was not good enough",
  low_quality: "It doesn't work well enough",
  too_complex: "It is too complicated",
  other: "Another reason",
};

interface CancelDialogProps {
  /** When the period that is paid for ends. */
  endsAt: Date;
  planName: string;
  opened: boolean;
  onClose: () => void;
}

/** Ends the subscription, now or when what is paid for is used up, and asks why. */
export function CancelDialog({ opened, onClose, ...rest }: CancelDialogProps) {
  return (
    <Modal opened={opened} onClose={onClose} title={<Text fw={600}>Cancel the subscription</Text>}>
      <CancelForm onClose={onClose} {...rest} />
    </Modal>
  );
}

function CancelForm({ endsAt, planName, onClose }: Omit<CancelDialogProps, "opened">) {
  const trpc = useTRPC();
  const { timeZone } = useWorkspace();
  const refresh = useBillingRefresh();
  const [when, setWhen] = useState<Cancel["when"]>("period_end");
  const [reason, setReason] = useState<Cancel["reason"] | null>(null);
  const [comment, setComment] = useState("");
  const cancel = useMutation(
    trpc.billing.cancel.mutationOptions({
      onSuccess: async () => {
        await refresh();
        onClose();
      },
    }),
  );
  const endDay = formatDate(endsAt, timeZone);
  return (
    <Stack gap="md">
      <RadioGroup
        label="When?"
        value={when}
        onChange={(value) => setWhen(value === "now" ? "now" : "period_end")}
      >
        <Stack gap="xs" mt="xs">
          <Radio
            value="period_end"
            label={`On ${endDay}`}
            description={`${planName} works until then, and you can change your mind.`}
          />
          <Radio value="now" label="Now" description="What is left of the period is not given back." />
        </Stack>
      </RadioGroup>
      <Select
        label="Why?"
        placeholder="Choose one"
        data={Object.entries(REASONS).map(([value, label]) => ({ value, label }))}
        value={reason}
        onChange={(value) => setReason(value as Cancel["reason"] | null)}
        allowDeselect={false}
      />
      <Textarea
        label="What would have kept you? (if you like)"
        maxLength={500}
        value={comment}
        onChange={({ currentTarget }) => setComment(currentTarget.value)}
      />
      <FailureAlert error={cancel.error} />
      <Group justify="flex-end" gap="sm">
        <Button variant="subtle" color="gray" onClick={onClose}>
          Keep it
        </Button>
        <Button
          color="red"
          loading={cancel.isPending}
          disabled={reason === null}
          onClick={() => reason && cancel.mutate({ when, reason, ...(comment.trim() ? { comment } : {}) })}
        >
          Cancel subscription
        </Button>
      </Group>
    </Stack>
  );
}
