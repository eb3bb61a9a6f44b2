"use client";

import { Alert, Text } from "@mantine/core";
import { formatDate } from "@/components/format";
import type { Outputs } from "@/server/root";
import { useWorkspace } from "../../_parts/workspace-context";

type PaidDays = NonNullable<Outputs["billing"]["paidDays"]>;

/** Days that were paid ahead: until when, or what they wait for. `then`: the subscription that follows. */
export function PaidDaysNotice({ days, then }: { days: PaidDays; then: string | null }) {
  const { timeZone } = useWorkspace();
  const { plan, waiting, endsAt } = days;
  if (!waiting)
    return (
      <Text size="sm">
        {plan.name} is paid for until <strong>{endsAt && formatDate(endsAt, timeZone)}</strong>.{" "}
        {then
          ? `Then your subscription to ${then} begins.`
          : "It does not renew by itself: extend it before, and no day is lost."}
      </Text>
    );
  const from = waiting.at
    ? `on ${formatDate(waiting.at, timeZone)}, when the subscription ends`
    : "when the subscription ends";
  return (
    <Alert color="blue" title={`Days of ${plan.name} are paid for`}>
      <Text size="sm">
        They begin {from}
        {endsAt ? `, and last until ${formatDate(endsAt, timeZone)}` : ""}. None is lost.
      </Text>
    </Alert>
  );
}
