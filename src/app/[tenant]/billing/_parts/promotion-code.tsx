"use client";

import { Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useSuspenseQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { FailureAlert } from "@/components/failure-alert";
import { formatDate } from "@/components/format";
import { formatMoney } from "@/lib/money";
import type { Outputs } from "@/server/root";
import { useTRPC } from "@/trpc/client";
import { useBillingRefresh } from "../../_parts/use-billing-refresh";
import { useWorkspace } from "../../_parts/workspace-context";

type Subscribed = NonNullable<Outputs["billing"]["subscription"]["subscription"]>;
type Discount = Subscribed["discounts"][number];

/** What a discount takes off, and until when. */
export function DiscountWords({ discount }: { discount: Discount }) {
  const { timeZone } = useWorkspace();
  const { name, code, once, endsAt } = discount;
  const until = once ? "on the next invoice" : endsAt ? `until ${formatDate(endsAt, timeZone)}` : null;
  return (
    <Text size="sm" inherit>
      {[`${offOf(discount)} off`, code ?? name, until].filter(Boolean).join(", ")}
    </Text>
  );
}

function offOf({ percentHundredths, off }: Discount): string {
  if (off) return formatMoney(off);
  return `${new Intl.NumberFormat("en-US").format((percentHundredths ?? 0) / 100)}%`;
}

/** Where a code is entered for the subscription that runs. One discount runs at a time. */
export function PromotionCode({ subscription }: { subscription: Subscribed }) {
  const trpc = useTRPC();
  const { mayPay } = useWorkspace();
  const { data: offers } = useSuspenseQuery(trpc.billing.plans.queryOptions());
  const refresh = useBillingRefresh();
  const [code, setCode] = useState("");
  const redeem = useMutation(trpc.billing.redeemPromotionCode.mutationOptions({ onSuccess: refresh }));
  if (!offers.promotionCodes || !mayPay || subscription.discounts.length > 0) return null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    redeem.mutate({ code: code.trim() });
  };
  return (
    <Stack component="form" gap="sm" onSubmit={submit}>
      <Group gap="xs" align="flex-end">
        <TextInput
          label="Promotion code"
          size="sm"
          value={code}
          onChange={(event) => setCode(event.currentTarget.value)}
          maxLength={100}
          autoComplete="off"
        />
        <Button type="submit" size="sm" variant="default" disabled={!code.trim()} loading={redeem.isPending}>
          Apply
        </Button>
      </Group>
      <FailureAlert error={redeem.error} />
    </Stack>
  );
}
