"use client";

import { Button, Card, Stack, Text, Title } from "@mantine/core";
import { FailureAlert } from "@/components/failure-alert";
import { formatPrice } from "@/components/format";
import { formatMoney } from "@/lib/money";
import type { PackOffer } from "@/server/billing/offers";
import { usePayment } from "../../_parts/use-payment";
import { useWorkspace } from "../../_parts/workspace-context";

export function PackCard({ pack }: { pack: PackOffer }) {
  const { mayPay } = useWorkspace();
  const { buy, busy, error } = usePayment();
  return (
    <Card component="article">
      <Stack gap={4}>
        <Title order={3} fz="md">
          {pack.name}
        </Title>
        <Text fz={24} fw={650} lts="-0.02em" className="figures">
          {formatPrice(formatMoney(pack.price))}
        </Text>
        <Text size="sm" c="dimmed" mb="sm">
          {pack.expiresAfterDays === null ? "Never expire" : `Expire after ${pack.expiresAfterDays} days`}
        </Text>
        <Button
          variant="default"
          disabled={!mayPay}
          loading={busy}
          onClick={() => buy({ pack: pack.id })}
          aria-label={`Buy ${pack.name}`}
        >
          Buy
        </Button>
        <FailureAlert error={error} />
      </Stack>
    </Card>
  );
}
