"use client";

import { Button, Divider, Group, Modal, Radio, RadioGroup, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { AmountLine } from "@/components/amount-line";
import { FactList } from "@/components/fact-list";
import { FailureAlert } from "@/components/failure-alert";
import { formatDate, formatPrice, formatUnits } from "@/components/format";
import { LinesSkeleton } from "@/components/skeletons";
import { formatMoney } from "@/lib/money";
import type { Outputs } from "@/server/root";
import { useTRPC } from "@/trpc/client";
import { usePayment, type Wish } from "./use-payment";
import { useWorkspace } from "./workspace-context";

type Preview = Outputs["billing"]["previewCheckout"];
type PlanWish = Extract<Wish, { plan: string }>;

interface CheckoutDialogProps {
  title: string;
  wish: PlanWish;
  /** Days are paid for that a subscription may begin after, or let wait. */
  asksWhen?: boolean;
  opened: boolean;
  onClose: () => void;
}

/** What buying a plan comes to, day by day, where days that were paid ahead or a subscription are there already. */
export function CheckoutDialog({ title, wish, asksWhen = false, opened, onClose }: CheckoutDialogProps) {
  const [begins, setBegins] = useState<"after_paid_days" | "now">("after_paid_days");
  return (
    <Modal opened={opened} onClose={onClose} title={<Text fw={600}>{title}</Text>} size="lg">
      <Stack gap="lg">
        {asksWhen && (
          <RadioGroup
            label="When it begins"
            value={begins}
            onChange={(value) => setBegins(value === "now" ? "now" : "after_paid_days")}
          >
            <Stack gap="xs" mt="xs">
              <Radio value="after_paid_days" label="When the days end that are paid for" />
              <Radio value="now" label="Now, and the days wait until it ends" />
            </Stack>
          </RadioGroup>
        )}
        <Confirmation wish={{ ...wish, ...(asksWhen && { begins }) }} onClose={onClose} />
      </Stack>
    </Modal>
  );
}

function Confirmation({ wish, onClose }: { wish: PlanWish; onClose: () => void }) {
  const trpc = useTRPC();
  const { timeZone } = useWorkspace();
  const { buy, busy, error } = usePayment();
  const options = { gcTime: 0, staleTime: Number.POSITIVE_INFINITY, retry: false };
  const preview = useQuery(trpc.billing.previewCheckout.queryOptions(wish, options));
  if (preview.error) return <FailureAlert error={preview.error} retry={() => void preview.refetch()} />;
  if (!preview.data) return <LinesSkeleton lines={5} />;
  const { lines, dueNow, endsSubscription } = preview.data;
  const isFree = dueNow.amountMinor === 0n;
  return (
    <Stack gap="lg">
      <Stack gap="sm">
        {lines.map(({ name, amount }) => (
          <AmountLine key={name} name={name} note={isFree ? "Not yet" : null} amount={formatMoney(amount)} />
        ))}
        <Divider />
        <AmountLine name="To pay now" amount={formatMoney(dueNow)} strong />
      </Stack>
      <FactList facts={factsOf(preview.data, timeZone)} />
      <FailureAlert error={error} />
      <Group justify="flex-end" gap="sm">
        <Button variant="subtle" color="gray" onClick={onClose}>
          Not now
        </Button>
        <Button
          loading={busy}
          onClick={() => buy({ ...wish, ...(endsSubscription && { endsSubscription: true }) })}
        >
          {isFree ? "Go on, and leave a card" : `Pay ${formatPrice(formatMoney(dueNow))}`}
        </Button>
      </Group>
    </Stack>
  );
}

/** Everything that happens, in the order in which it does. */
function factsOf(
  { subscription, days, compensation, endsSubscription, dueNow }: Preview,
  zone: string,
): string[] {
  const day = (at: Date) => formatDate(at, zone);
  const facts: string[] = [];
  if (endsSubscription)
    facts.push(`Your subscription ends on ${day(endsSubscription.at)} and is not charged again.`);
  if (days && !days.waiting && days.endsAt)
    facts.push(`${days.plan.name} is paid for until ${day(days.endsAt)}.`);
  if (days?.waiting?.at && days.endsAt)
    facts.push(`${days.plan.name} runs from ${day(days.waiting.at)} to ${day(days.endsAt)}.`);
  if (days?.waiting && !days.waiting.at)
    facts.push(`Your days of ${days.plan.name} wait, and go on when the subscription ends.`);
  if (compensation > 0)
    facts.push(`You get ${formatUnits(compensation, "credit")} for the days that are left of your plan.`);
  if (subscription) {
    const { beginsAt, firstPayment } = subscription;
    const amount = formatMoney(firstPayment.amount);
    facts.push(
      dueNow.amountMinor > 0n
        ? `The subscription begins now and renews for ${amount} until you cancel.`
        : `The subscription begins on ${day(beginsAt)}. ${amount} is charged on ${day(firstPayment.at)}, unless you cancel before.`,
    );
  } else facts.push("Nothing renews by itself.");
  return facts;
}
