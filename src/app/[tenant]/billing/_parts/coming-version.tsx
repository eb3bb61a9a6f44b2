"use client";

import { Alert, Stack, Text } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { formatDate, formatPrice } from "@/components/format";
import { formatMoney } from "@/lib/money";
import type { Outputs } from "@/server/root";
import { useTRPC } from "@/trpc/client";
import { LimitChanges } from "../../_parts/limit-changes";
import { useWorkspace } from "../../_parts/workspace-context";

type Coming = NonNullable<Outputs["billing"]["comingVersion"]>;

/** What changes for everyone on this version of the plan, before it does. */
export function ComingVersion() {
  const trpc = useTRPC();
  const { timeZone } = useWorkspace();
  const { data: coming } = useSuspenseQuery(trpc.billing.comingVersion.queryOptions());
  if (!coming) return null;
  const { at, plan, price, isInForce, limits } = coming;
  return (
    <Alert color="blue" title={`From ${formatDate(at, timeZone)} your plan is ${plan.name} v${plan.version}`}>
      <Stack gap="sm">
        {price && <Text size="sm">{priceInWords(price)}</Text>}
        <Text size="sm">
          {isInForce
            ? "What you may use is the new version's already."
            : "Until then everything stays as it is. There is nothing you need to do."}
        </Text>
        {!isInForce && <LimitChanges changes={limits} />}
      </Stack>
    </Alert>
  );
}

function priceInWords({ before, after, interval }: NonNullable<Coming["price"]>): string {
  const [was, is] = [before, after].map((money) => formatPrice(formatMoney(money)));
  return was === is
    ? `It costs ${is} a ${interval}, as before.`
    : `It costs ${is} a ${interval} from then on; now it is ${was}. Before tax and discounts.`;
}
