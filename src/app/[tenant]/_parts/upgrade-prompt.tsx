"use client";

import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { FactList } from "@/components/fact-list";
import { failureOf } from "@/components/failure";
import { formatDateTime, formatUnits } from "@/components/format";
import { LinkButton } from "@/components/link-button";
import { QueryBoundary } from "@/components/query-boundary";
import { LinesSkeleton } from "@/components/skeletons";
import { UsageBar } from "@/components/usage-bar";
import type { Denial, WayOut } from "@/server/errors";
import { useTRPC } from "@/trpc/client";
import { useQuota } from "@/trpc/use-quota";
import { denialOf } from "./denial";
import { PlanAction } from "./plan-action";
import { useWorkspace } from "./workspace-context";

/** Opens when the gate refused: what is used, what is missing, when it resets, and the ways on. */
export function UpgradePrompt({ error, onClose }: { error: unknown; onClose: () => void }) {
  const denial = denialOf(error);
  return (
    <Modal opened={denial !== null} onClose={onClose} title={<Text fw={600}>Limit reached</Text>} size="md">
      {denial && (
        <QueryBoundary loading={<LinesSkeleton lines={3} />}>
          <Explanation denial={denial} message={failureOf(error).message} onClose={onClose} />
        </QueryBoundary>
      )}
    </Modal>
  );
}

interface ExplanationProps {
  denial: Denial;
  message: string;
  onClose: () => void;
}

function Explanation({ denial, message, onClose }: ExplanationProps) {
  const trpc = useTRPC();
  const { timeZone } = useWorkspace();
  const { data: offers } = useSuspenseQuery(trpc.billing.plans.queryOptions());
  const feature = offers.features.find(({ id }) => id === denial.feature);
  const unit = feature?.unit ?? "unit";
  return (
    <Stack gap="lg">
      <Text size="sm">{message}</Text>
      <UsageBar
        name={feature?.name ?? denial.feature}
        used={denial.used}
        limit={denial.limit}
        unit={unit}
        note={`${formatUnits(denial.missing, unit)} missing${
          denial.resetsAt ? ` · resets ${formatDateTime(denial.resetsAt, timeZone)}` : ""
        }`}
      />
      <WaysOut ways={denial.waysOut} />
      <WaysOn denial={denial} onClose={onClose} />
    </Stack>
  );
}

/** One way is no choice: the button below says it already. */
function WaysOut({ ways }: { ways: readonly WayOut[] }) {
  const { timeZone } = useWorkspace();
  if (ways.length < 2) return null;
  return (
    <Stack gap={6}>
      <Text size="sm" fw={550}>
        What would help, the cheapest first
      </Text>
      <FactList
        facts={ways.map((way) =>
          way.kind === "wait" ? `Wait until ${formatDateTime(way.until, timeZone)}.` : way.message,
        )}
      />
    </Stack>
  );
}

function WaysOn({ denial, onClose }: { denial: Denial; onClose: () => void }) {
  const trpc = useTRPC();
  const { slug } = useWorkspace();
  const { data: offers } = useSuspenseQuery(trpc.billing.plans.queryOptions());
  const { meters } = useQuota();
  const upgrade = offers.plans.find(({ id }) => id === denial.upgradeTo);
  const takesCredits = meters.some(
    ({ feature, overflow }) => feature === denial.feature && overflow === "credits",
  );
  return (
    <Group justify="flex-end" gap="sm" align="flex-start">
      <Button variant="subtle" color="gray" onClick={onClose}>
        Not now
      </Button>
      {takesCredits && (
        <LinkButton href={`/${slug}/credits`} variant="default">
          Buy credits
        </LinkButton>
      )}
      {upgrade && <PlanAction plan={upgrade} interval="month" />}
    </Group>
  );
}
