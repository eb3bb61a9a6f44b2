import { Group, Stack, Text } from "@mantine/core";
import { formatPrice } from "@/components/format";
import { formatMoney, type Money } from "@/lib/money";
import type { PlanOffer } from "@/server/orders/offers";

export type Interval = "month" | "year";

/** What a plan costs for an interval; null when it is free, sold by people, or not sold that way. */
function priceFor(plan: PlanOffer, interval: Interval): Money | null {
  if (plan.prepaid) return plan.prepaid.price;
  return interval === "month" ? plan.monthly : plan.annual;
}

export function PlanPrice({ plan, interval }: { plan: PlanOffer; interval: Interval }) {
  const price = priceFor(plan, interval) ?? plan.monthly;
  const per = price === plan.monthly ? "month" : "year";
  const figure = plan.kind === "contact" ? "Let's talk" : price ? formatPrice(formatMoney(price)) : "$0";
  return (
    <Stack gap={2}>
      <Group gap={6} align="baseline">
        <Text fz={32} fw={650} lh={1.1} lts="-0.03em" className="figures">
          {figure}
        </Text>
        {price && (
          <Text size="sm" c="dimmed">
            {plan.prepaid
              ? `for ${plan.prepaid.days} days`
              : `per ${plan.seats ? `${plan.seats.unit} and ` : ""}${per}`}
          </Text>
        )}
      </Group>
      <Text size="xs" c="dimmed" mih={18}>
        {noteOf(plan, price, per)}
      </Text>
    </Stack>
  );
}

function noteOf(plan: PlanOffer, price: Money | null, per: Interval): string {
  if (plan.kind === "contact") return "Made to measure";
  if (!price) return "Free for as long as you like";
  if (plan.prepaid) return "Paid once, never renews";
  if (plan.seats && plan.seats.atLeast > 1) return `From ${plan.seats.atLeast} ${plan.seats.unit}s on`;
  if (per === "month" || !plan.monthly) return "Cancel any time";
  const twelveMonths = { ...plan.monthly, amountMinor: plan.monthly.amountMinor * 12n };
  return `instead of ${formatPrice(formatMoney(twelveMonths))} paid monthly`;
}
