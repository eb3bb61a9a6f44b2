"use client";

import { Alert } from "@mantine/core";
import { IconAlertCircle } from "@tabler/icons-react";
import { formatDateTime, formatUnits } from "@/components/format";
import { TextLink } from "@/components/link-button";
import { type CountedFeatureId, useQuota } from "@/trpc/use-quota";
import { useWorkspace } from "./workspace-context";

const WARN_PERCENT = 80;

/** From 80 % of a limit on, says so before somebody is stopped. */
export function LimitWarning({ feature }: { feature: CountedFeatureId }) {
  const { slug, timeZone } = useWorkspace();
  const { plan, credits } = useQuota();
  const meter = useQuota(feature);
  if (!meter || meter.percent === null || meter.percent < WARN_PERCENT) return null;
  const left = formatUnits(meter.remaining ?? 0, meter.unit);
  const full = meter.remaining === 0;
  return (
    <Alert
      color={full ? "red" : "yellow"}
      icon={<IconAlertCircle size={18} />}
      title={full ? `${meter.name}: the limit is reached` : `${meter.name}: ${meter.percent} % used`}
    >
      {full ? "Nothing" : left} left on {plan.name}
      {meter.resetsAt && `, until ${formatDateTime(meter.resetsAt, timeZone)}`}
      {meter.overflow === "credits" && full && `. Credits pay for more: ${credits.available} available`}.{" "}
      <TextLink href={`/${slug}/billing`} inherit fw={600} underline="always" c="inherit">
        See plans and credits
      </TextLink>
    </Alert>
  );
}
