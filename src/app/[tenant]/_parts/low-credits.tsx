"use client";

import { Alert } from "@mantine/core";
import { useLocalStorage, useMounted } from "@mantine/hooks";
import { IconCoins } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { formatUnits } from "@/components/format";
import { TextLink } from "@/components/link-button";
import { useTRPC } from "@/trpc/client";
import { useWorkspace } from "./workspace-context";

/**
 * On every page while credits are low; who has put it away sees it again when they have run low anew. In the browser only:
 * rendered before the page, it would ask for the balance before the page's own prefetched one has arrived.
 */
export function LowCredits() {
  return useMounted() && <Notice />;
}

function Notice() {
  const trpc = useTRPC();
  const { slug } = useWorkspace();
  const { data } = useQuery(trpc.credits.balance.queryOptions());
  const [putAway, putAwayAt] = useLocalStorage<string | null>({
    key: `low-credits:${slug}`,
    defaultValue: null,
  });
  const since = data?.low?.since.toISOString();
  if (!data || since === undefined || since === putAway) return null;
  return (
    <Alert
      color="yellow"
      icon={<IconCoins size={18} />}
      title={data.available === 0 ? "No credits left" : `${formatUnits(data.available, "credit")} left`}
      withCloseButton
      closeButtonLabel="Put away"
      onClose={() => putAwayAt(since)}
      mb="lg"
      role="status"
    >
      What goes past an allowance stops when they are spent.{" "}
      <TextLink href={`/${slug}/credits`} inherit fw={600} c="inherit">
        Get more
      </TextLink>
    </Alert>
  );
}
